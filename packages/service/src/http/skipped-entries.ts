import { diagnostics, type EventSystem, type Logger, type SkippedMessage } from '@tradpal/event-system'
import { Counter, type Registry } from 'prom-client'
import { listenToLog } from './listen.ts'

/** Of so many entries it is remembered, at most, that they were met. */
const MOST_REMEMBERED = 10_000

/** Says once of each entry that is no valid event, and that a query, a replay or a stream of this service passed over, that it is there. */
export class SkippedEntries {
  readonly #logger: Logger
  readonly #counter: Counter
  readonly #met = new Set<string>()
  readonly #stop: () => void

  constructor({ storage }: EventSystem, registry: Registry, logger: Logger) {
    this.#logger = logger
    this.#counter = new Counter({
      name: 'event_service_poison_entries_total',
      help: 'Entries of the log that are no valid event, which a query, a replay or a stream of this service met, each once.',
      registers: [registry]
    })
    this.#stop = listenToLog<SkippedMessage>(storage, diagnostics.skipped, (message) => this.#onSkipped(message))
  }

  close(): void {
    this.#stop()
  }

  #onSkipped({ messageId, reason }: SkippedMessage): void {
    if (this.#met.has(messageId)) return
    if (this.#met.size === MOST_REMEMBERED) this.#met.clear()
    this.#met.add(messageId)
    this.#counter.inc()
    this.#logger.warn({ messageId, reason }, 'an entry of the log is no valid event and was passed over')
  }
}
