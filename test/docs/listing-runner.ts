import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { HOUSE, type Listing } from './pages.ts'

const MAIN = join(HOUSE, 'packages/service/src/main.ts')
const CONDITION = '--conditions=tradpal-source'

export interface Outcome {
  readonly exitCode: number | null
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
    await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" ${CONDITION} "${MAIN}" "$@"\n`)
    await chmod(command, 0o755)
    const service = spawn(process.execPath, [CONDITION, MAIN, 'serve'], {
      env: {
        ...readersEnvironment(),
        EVENT_LOG_PATH: join(folder, 'service.db'),
        EVENT_SERVICE_HOST: '127.0.0.1',
        EVENT_SERVICE_PORT: '0'
      },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const [line] = (await once(createInterface(service.stdout), 'line')) as [string]
    service.stdout.resume()
    return new ListingRunner(folder, JSON.parse(line).url, async () => {
      const gone = once(service, 'exit')
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
    const path = await this.write(listing)
    return this.#execute(process.execPath, [CONDITION, path], join(path, '..'))
  }

  /** The complaints of the compiler about files that {@link write} wrote. */
  async typecheck(paths: readonly string[]): Promise<string> {
    const project = join(this.#folder, 'tsconfig.json')
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
    await writeFile(project, JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: paths }))
    const { stdout } = await this.#execute(join(HOUSE, 'node_modules/.bin/tsc'), ['--project', project], this.#folder)
    return stdout
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

  #onThisMachine(text: string): string {
    return text.replaceAll('http://localhost:8011', this.#url)
  }

  #execute(file: string, args: readonly string[], cwd: string): Promise<Outcome> {
    const env = {
      ...readersEnvironment(),
      PATH: `${join(this.#folder, 'bin')}:${process.env.PATH}`,
      EVENT_SERVICE_URL: this.#url
    }
    return new Promise((resolve) => {
      const child = execFile(file, [...args], { cwd, env, timeout: 20_000 }, (_, stdout, stderr) =>
        resolve({ exitCode: child.exitCode, stdout, stderr })
      )
    })
  }
}

/** Nothing of ours is configured in it. */
function readersEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(EVENT_|REDIS_URL|LOG_LEVEL|NODE_OPTIONS|NO_COLOR|FORCE_COLOR|VITEST)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
