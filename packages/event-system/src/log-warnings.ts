import type { Clock } from '@tradpal/events'
import type { Storage, StorageWarning } from './log/index.ts'
import type { Logger } from './runtime/index.ts'

/** The log is asked no more often than every so many ms. */
const ASK_AGAIN_MS = 30_000

export interface LogWarningsParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
}

/** What the log warns of, for whoever asks, and each once for whoever reads the lines of this process. */
export class LogWarnings {
  readonly #parts: LogWarningsParts
  readonly #told = new Set<string>()
  #asked: { readonly at: number; readonly warnings: Promise<readonly StorageWarning[]> } | undefined

  constructor(parts: LogWarningsParts) {
    this.#parts = parts
  }

  /** Never rejects: a log that does not answer has nothing to warn of. */
  current(): Promise<readonly StorageWarning[]> {
    const now = this.#parts.clock.now()
    if (this.#asked === undefined || now - this.#asked.at >= ASK_AGAIN_MS) {
      this.#asked = { at: now, warnings: this.#ask() }
    }
    return this.#asked.warnings
  }

  async #ask(): Promise<readonly StorageWarning[]> {
    const { storage, logger } = this.#parts
    const warnings = (await storage.warnings?.().catch(() => [])) ?? []
    for (const { message } of warnings) {
      if (!this.#told.has(message)) logger.warn({ log: storage.location }, `the log may lose events: ${message}`)
      this.#told.add(message)
    }
    return warnings
  }
}
