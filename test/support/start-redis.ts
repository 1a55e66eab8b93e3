import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { findRedisServer } from './redis-binary.ts'

/** Lines of redis.conf, such as `{ appendonly: 'yes' }`. */
export type RedisConfig = Readonly<Record<string, string>>

export interface RedisPlace {
  readonly config?: RedisConfig
  /** Where its data is kept; it stays there after `stop()`. Default: a temporary folder, removed by `stop()`. */
  readonly dir?: string
  /** Default: a free one. */
  readonly port?: number
}

/** A redis-server of a test's own. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly dir: string
  /** Of the process that runs now. */
  readonly pid: number
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>
  /** SIGKILL: its data stays as the crash left it. */
  kill(): Promise<void>
  /** Ends it, if it runs, and starts it again on the same port and data. A restart waits for one that is under way. */
  restart(): Promise<void>
  /** SIGSTOP: it holds its connections and answers nothing. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Starts a real redis-server on a loopback port with data of its own and resolves when it answers. It keeps nothing on
 * the disk unless asked: `{ appendonly: 'yes' }` keeps an append-only file, synced every second unless asked otherwise.
 */
export async function startRedis(options: RedisConfig | RedisPlace = {}): Promise<RedisServer> {
  const { config = {}, ...place } = isPlace(options) ? options : { config: options }
  const port = place.port ?? (await freePort())
  const dir = place.dir ?? (await mkdtemp(join(tmpdir(), 'tradpal-redis-')))
  const settings = { save: '', appendfsync: 'everysec', ...config, bind: '127.0.0.1', port: String(port), dir }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  return runRedis(args, { port, dir, keepsDir: place.dir !== undefined })
}

/** Runs a redis-server with these arguments, and resolves when it answers on the port. */
export async function runRedis(
  args: readonly string[],
  { port, dir, keepsDir = false }: { port: number; dir: string; keepsDir?: boolean }
): Promise<RedisServer> {
  const binary = await findRedisServer()
  const launch = async (): Promise<ChildProcess> => {
    const started = spawn(binary.path, args, {
      env: { ...process.env, ...binary.env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    running.add(started)
    started.once('exit', () => running.delete(started))
    let output = ''
    for (const stream of [started.stdout, started.stderr]) stream?.on('data', (chunk) => (output += chunk))
    try {
      await answersPing(port, () => {
        if (hasEnded(started)) throw new Error(`redis-server ended at its start:\n${output}`)
      })
      return started
    } catch (error) {
      await end(started, 'SIGKILL')
      throw error
    }
  }

  let child = await launch()
  /** One after the other: two servers would want the port. */
  let restarting = Promise.resolve()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid ?? 0
    },
    stop: async () => {
      await end(child, 'SIGTERM')
      if (!keepsDir) await rm(dir, { recursive: true, force: true })
    },
    kill: () => end(child, 'SIGKILL'),
    restart: () => {
      restarting = restarting.then(async () => {
        await end(child, 'SIGTERM')
        child = await launch()
      })
      return restarting
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT')
  }
}

/** A configuration has texts only, and no line of redis.conf is called `config`; `dir` means the same in both. */
function isPlace(options: RedisConfig | RedisPlace): options is RedisPlace {
  return typeof options.config === 'object' || typeof options.port === 'number' || Object.keys(options).join() === 'dir'
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  const ended = once(child, 'exit')
  child.kill(signal)
  child.kill('SIGCONT')
  await ended
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Resolves when the server answers, be it that it wants a password. Throws after a minute, or what `mustLive` throws. */
async function answersPing(port: number, mustLive: () => void): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await ping(port))) {
    mustLive()
    if (performance.now() > deadline) throw new Error(`redis-server does not answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  mustLive()
}

function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'))
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once('data', (answer) => {
      socket.destroy()
      resolve(/^(\+PONG|-NOAUTH)/.test(String(answer)))
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}
