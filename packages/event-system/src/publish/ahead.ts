import { type Clock, type Event, formatTimestamp } from '@tradpal/events'
import type { Storage } from '../log/index.ts'
import { type AheadMessage, diagnostics, type Logger, Occurrences } from '../runtime/index.ts'

/** Clocks that are kept in time differ by less, in ms. */
const TOLERANCE_MS = 300_000
/** The horizon is written anew after so long, in ms. */
const RENEW_MS = 1_000

export interface AheadParts {
  readonly storage: Storage
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * Notices timestamps that are ahead of the clock by more than five minutes: a wrong clock, seconds taken for milliseconds,
 * or a plan. They are published all the same, and told: a query by time does not find them where they were published.
 */
export class Ahead {
  readonly #parts: AheadParts
  #horizon = ''
  #renewedAt = Number.NEGATIVE_INFINITY
  readonly #occurrences: Occurrences

  constructor(parts: AheadParts) {
    this.#parts = parts
    this.#occurrences = new Occurrences(parts.clock)
  }

  /** Whether the event is ahead. Timestamps have one form, in which the later is the greater text. */
  holds({ timestamp }: Event): boolean {
    const now = this.#parts.clock.now()
    if (now - this.#renewedAt >= RENEW_MS || now < this.#renewedAt) {
      this.#renewedAt = now
      this.#horizon = formatTimestamp(now + TOLERANCE_MS)
    }
    return timestamp > this.#horizon
  }

  /** When events that are ahead were published: at once, and then once a minute, how many. */
  tell(events: readonly Event[]): void {
    const { storage, logger } = this.#parts
    diagnostics.ahead.publish({ storage, events: events.length } satisfies AheadMessage)
    const count = this.#occurrences.add('ahead', events.length)
    if (count === 0) return
    const { eventId, timestamp, source } = events[0] as Event
    logger.warn({ eventId, timestamp, source, events: count }, 'events were published that are ahead of time')
  }
}
