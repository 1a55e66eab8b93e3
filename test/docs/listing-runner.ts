import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text as textOf } from 'node:stream/consumers'
import { COMMAND } from '../support/bundled-command.ts'
import { HOUSE, type Listing } from './pages.ts'

const CONDITION = '--conditions=tradpal-source'
const TIMEOUT_MS = 120_000

export interface Outcome {
  /** Of what was killed by a signal, or took longer than two minutes: that. */
  readonly exitCode: number | string
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs listings as a reader would: each in an empty folder of its own, beside a service that listens, with the command
 * `tradpal-events` at hand. The folders are inside the repository, so that its packages are found.
 */
export class ListingRunner {
  readonly #folder: string
  readonly #url: string
  readonly #stop: () => Promise<void>

  private constructor(folder: string, url: string, stop: () => Promise<void>) {
    this.#folder = folder
    this.#url = url
    this.#stop = stop
  }

  static async start(): Promise<ListingRunner> {
    await mkdir(join(HOUSE, '.cache'), { recursive: true })
    const folder = await mkdtemp(join(HOUSE, '.cache/listings-'))
    await mkdir(join(folder, 'bin'))
    const command = join(folder, 'bin/tradpal-events')
    await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" ${CONDITION} "${COMMAND}" "$@"\n`)
    await chmod(command, 0o755)
    const service = spawn(process.execPath, [CONDITION, COMMAND, 'serve'], {
      env: {
        ...readersEnvironment(),
        EVENT_LOG_PATH: join(folder, 'service.db'),
        EVENT_SERVICE_HOST: '127.0.0.1',
        EVENT_SERVICE_PORT: '0'
      },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const gone = once(service, 'exit')
    const url = await listening(createInterface(service.stdout))
    if (url === undefined) throw new Error(`The service ended with exit code ${await gone} before it listened.`)
    service.stdout.resume()
    return new ListingRunner(folder, url, async () => {
      service.kill('SIGTERM')
      await gone
      await rm(folder, { recursive: true, force: true })
    })
  }

  /** The file of a listing in TypeScript or JavaScript, in a folder of its own, as it is run. */
  async write({ place, language, text }: Listing): Promise<string> {
    const folder = await this.#newFolder(place)
    const path = join(folder, `listing.${language}`)
    await writeFile(path, this.#onThisMachine(text))
    return path
  }

  async run(listing: Listing): Promise<Outcome> {
    if (listing.language === 'sh') {
      const cwd = await this.#newFolder(listing.place)
      const script = this.#onThisMachine(listing.text).replaceAll('npx tradpal-events', 'tradpal-events')
      return this.#execute('bash', ['-euo', 'pipefail', '-c', script], cwd)
    }
    if (listing.language === 'python') {
      const cwd = await this.#newFolder(listing.place)
      return this.#execute('python3', ['-c', this.#onThisMachine(listing.text)], cwd)
    }
    const path = await this.write(listing)
    return this.#execute(process.execPath, [CONDITION, path], join(path, '..'))
  }

  /** What the compiler says about files that {@link write} wrote. */
  async typecheck(paths: readonly string[]): Promise<Outcome> {
    const project = join(this.#folder, 'tsconfig.json')
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
    await writeFile(project, JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: paths }))
    return this.#execute(join(HOUSE, 'node_modules/.bin/tsc'), ['--project', project], this.#folder)
  }

  async stop(): Promise<void> {
    await this.#stop()
  }

  async #newFolder(place: string): Promise<string> {
    const folder = join(this.#folder, place.replaceAll(/[^\w.-]/g, '-'))
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    return folder
  }

  #onThisMachine(listing: string): string {
    return listing.replaceAll('localhost:8011', new URL(this.#url).host)
  }

  /** Nothing that it started outlives it, and nothing is typed into it. */
  async #execute(file: string, args: readonly string[], cwd: string): Promise<Outcome> {
    const env = {
      ...readersEnvironment(),
      PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}`,
      EVENT_SERVICE_URL: this.#url
    }
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const output = Promise.all([textOf(child.stdout), textOf(child.stderr)])
    let late = false
    const timer = setTimeout(() => {
      late = true
      killGroup(child)
    }, TIMEOUT_MS)
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null]
    clearTimeout(timer)
    killGroup(child)
    const [stdout, stderr] = await output
    return { exitCode: late ? `none within ${TIMEOUT_MS} ms` : (exitCode ?? String(signal)), stdout, stderr }
  }
}

/** Where the service says that it listens; undefined when it ends before. */
async function listening(lines: AsyncIterable<string>): Promise<string | undefined> {
  for await (const line of lines) {
    const { url } = JSON.parse(line)
    if (typeof url === 'string') return url
  }
  return undefined
}

/** The process and all that it started. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Nothing of ours is configured in it. */
function readersEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(EVENT_|METRICS_|STREAM_|REDIS_URL|LOG_LEVEL|NODE_OPTIONS|NO_COLOR|FORCE_COLOR|VITEST)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
