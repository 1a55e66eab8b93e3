import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { findRedisServer } from './redis-binary.ts'

/** A redis-server of a test's own. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Ends it and removes its data. Idempotent. */
  stop(): Promise<void>
  /** SIGKILL: its data stays as the crash left it. */
  kill(): Promise<void>
  /** Starts it again on the same port and data. */
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

/** Starts a real redis-server on a free loopback port with data of its own. `config`: lines of redis.conf, such as `{ appendonly: 'yes' }`. */
export async function startRedis(config: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const binary = await findRedisServer()
  const port = await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'tradpal-redis-'))
  const settings = { save: '', ...config, bind: '127.0.0.1', port: String(port), dir }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  let child: ChildProcess

  const start = async () => {
    child = spawn(binary.path, args, { env: { ...process.env, ...binary.env }, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
    const started = child
    started.once('exit', () => running.delete(started))
    await answersPing(port, () => {
      if (started.exitCode !== null) throw new Error(`redis-server ended at its start:\n${output}`)
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGCONT')
    child.kill(signal)
    await once(child, 'exit')
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: async () => {
      await end('SIGTERM')
      await rm(dir, { recursive: true, force: true })
    },
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGTERM')
      await start()
    },
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT')
  }
}

/** Resolves when the server answers, be it that it wants a password. Throws after 10 s, or what `stillAlive` throws. */
async function answersPing(port: number, stillAlive: () => void): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await ping(port))) {
    stillAlive()
    if (performance.now() > deadline) throw new Error(`redis-server does not answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function ping(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'))
    socket.once('data', (answer) => {
      socket.destroy()
      resolve(/^(\+PONG|-NOAUTH)/.test(String(answer)))
    })
    socket.once('error', () => resolve(false))
  })
}
