import type { Clock } from '@tradpal/events'
import type { AppendEntry } from '../log/index.ts'
import { type Parcel, together, type UnknownOutcome } from './parcel.ts'

/** So many events are remembered at most: the latest. */
const MOST = 100_000

/**
 * The events of which a caller was told that nobody knows whether they were written. When it publishes one again inside the
 * deduplication window, and that goes into the spool, it may come into the log long after the window: it is looked for there then.
 */
export class Doubts {
  readonly #windowMs: number
  readonly #clock: Clock
  /** By event id, the oldest first. */
  readonly #outcomes = new Map<string, UnknownOutcome>()

  constructor(windowMs: number, clock: Clock) {
    this.#windowMs = windowMs
    this.#clock = clock
  }

  /** When a parcel was refused: nothing, where it is known that it was not written. */
  remember({ entries, unknown }: Parcel): void {
    if (unknown === undefined) return
    for (const { eventId } of entries) this.#outcomes.set(eventId, unknown)
    this.#forget()
  }

  /** What is not known of these. */
  of(entries: readonly AppendEntry[]): UnknownOutcome | undefined {
    if (this.#outcomes.size === 0) return undefined
    this.#forget()
    return entries.map(({ eventId }) => this.#outcomes.get(eventId)).reduce(together, undefined)
  }

  #forget(): void {
    const horizon = this.#clock.now() - this.#windowMs
    for (const [eventId, { until }] of this.#outcomes) {
      if (until > horizon && this.#outcomes.size <= MOST) return
      this.#outcomes.delete(eventId)
    }
  }
}
