import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { pause, RunProcess } from '../support/run-process.ts'
import { type LibraryWay, SPOOL_MAX_BYTES, STREAM, TIMEOUT_MS } from './settings.ts'

const MAIN = join(import.meta.dirname, '../../packages/service/src/main.ts')

export interface ServiceOptions extends LibraryWay {
  readonly port: number
  readonly complaints: string
}

/** The HTTP service in a process of its own, and who starts it again when it ends: while Redis is away it does not start. */
export class Service {
  readonly url: string
  readonly #options: ServiceOptions
  #process: RunProcess | undefined
  #isWanted = false

  constructor(options: ServiceOptions) {
    this.#options = options
    this.url = `http://127.0.0.1:${options.port}`
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    this.#launch()
    await this.#answers()
  }

  async #answers(): Promise<void> {
    await waitFor(() => fetch(this.url).then(({ ok }) => ok), { timeoutMs: 120_000, what: 'the service' })
  }

  #launch(): void {
    const { port, complaints, redisUrl, spoolPath, durability, deduplicationWindowMs } = this.#options
    const environment = {
      PATH: process.env.PATH ?? '',
      LOG_LEVEL: 'warn',
      EVENT_SERVICE_PORT: String(port),
      EVENT_SERVICE_HOST: '127.0.0.1',
      REDIS_URL: redisUrl,
      EVENT_STREAM_NAME: STREAM,
      EVENT_SPOOL_PATH: spoolPath,
      EVENT_SPOOL_MAX_BYTES: String(SPOOL_MAX_BYTES),
      EVENT_LOG_DURABILITY: durability,
      EVENT_LOG_TIMEOUT_MS: String(TIMEOUT_MS),
      EVENT_DEDUPLICATION_WINDOW_MS: String(deduplicationWindowMs)
    }
    this.#isWanted = true
    const started = new RunProcess({ script: MAIN, args: ['serve'], complaints, environment })
    this.#process = started
    started.ended.then(async () => {
      await pause(200)
      if (this.#isWanted && this.#process === started) this.#launch()
    })
  }

  async killFor(ms: number): Promise<void> {
    await this.kill()
    await pause(ms)
    this.#launch()
  }

  async kill(): Promise<void> {
    this.#isWanted = false
    await this.#process?.kill()
  }

  /** SIGTERM, when it answers: one that is just starting would die of it. Resolves to how it ended. */
  async end(): Promise<number | string | undefined> {
    await this.#answers()
    this.#isWanted = false
    return await this.#process?.end()
  }
}
