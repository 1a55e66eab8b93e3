import type { Clock } from '@tradpal/events'
import { LRUCache } from 'lru-cache'
import type { Logger } from '../runtime/index.ts'
import type { HandlerRegistry } from './handlers.ts'

/** Any writer of the log can make types up. Of more types than this, the one that was met least recently is forgotten. */
const MOST_TYPES = 1_000

export interface UnhandledParts {
  readonly handlers: HandlerRegistry
  readonly clock: Clock
  /** Of the consumer: it names the group. */
  readonly logger: Logger
}

/** The types of which a consumer acknowledged events that had no handler, so that a handler that is registered too late is reported. */
export class Unhandled {
  readonly #parts: UnhandledParts
  readonly #byType = new LRUCache<string, { count: number; readonly since: number }>({ max: MOST_TYPES })

  constructor(parts: UnhandledParts) {
    this.#parts = parts
  }

  /** An event of this type had no handler. */
  add(eventType: string): void {
    const known = this.#byType.get(eventType)
    if (known === undefined) this.#byType.set(eventType, { count: 1, since: this.#parts.clock.now() })
    else known.count++
  }

  /** Warns of each type that has a handler by now, and forgets it. */
  warnOfLateHandlers(): void {
    const { handlers, logger } = this.#parts
    for (const [eventType, { count, since }] of [...this.#byType]) {
      if (handlers.for(eventType).length === 0) continue
      this.#byType.delete(eventType)
      logger.warn(
        { eventType, count, since: new Date(since).toISOString() },
        'a handler was registered after the group had acknowledged events of its type without one: it never gets those; register handlers before startConsuming()'
      )
    }
  }
}
