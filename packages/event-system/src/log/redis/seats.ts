import type { AppendEntry, MessageId } from '../port.ts'

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** Where the clock is off from the server's by more, no seats are asked for, in ms. */
const TOLERANCE_MS = 10
/** What the server's clock said is gone by for so long. */
const HEARD_FOR_MS = 1_000
/** Where others append as well, no seats are asked for so long: one that is refused costs a round trip. */
const REST_MS = 100

/**
 * The message id that belongs to an event id: to a UUID of version 7 (RFC 9562), as `createEvent` makes them. Its sequence is
 * less than 2^28, those of partitions begin at 2^32.
 */
export function seatOf(eventId: string): { readonly ms: number; readonly id: MessageId } | undefined {
  if (!VERSION_7.test(eventId)) return undefined
  const ms = Number.parseInt(eventId.slice(0, 8) + eventId.slice(9, 13), 16)
  const sequence = Number.parseInt(eventId.slice(15, 18) + eventId.slice(24, 28), 16)
  return { ms, id: `${ms}-${sequence}` }
}

/**
 * Says when an event that is appended alone may ask for its seat by a bare XADD, which takes a fraction of the script. Redis
 * takes each seat once, and none that it is past: so an event whose answer was lost never stands there twice, however late its
 * first command comes. Deduplication finds it by its seat (see scripts/include/seats.lua).
 *
 * A message id says when the log took an entry, a wrong clock must not carry the stream away with it, and deduplication looks
 * for no seat that is far ahead: so the clock has to agree with the server's, and the event to be made in this very
 * millisecond. One whose id is ahead of its time, appended by the script, would get its seat as well when that time has come.
 */
export class Seats {
  #heardMs = 0
  #heardAt = Number.NEGATIVE_INFINITY
  #restsUntil = Number.NEGATIVE_INFINITY

  /** Undefined when it has none, or is not to ask for it now. */
  of({ eventId, payload }: AppendEntry): MessageId | undefined {
    const now = performance.now()
    if (now < this.#restsUntil || now - this.#heardAt > HEARD_FOR_MS) return undefined
    const ownMs = Date.now()
    if (Math.abs(ownMs - this.#heardMs - (now - this.#heardAt)) > TOLERANCE_MS) return undefined
    const seat = seatOf(eventId)
    return seat?.ms === ownMs && payload.includes(eventId) ? seat.id : undefined
  }

  /** The server's clock said so, ms since the epoch. */
  heard(ms: number): void {
    this.#heardMs = ms
    this.#heardAt = performance.now()
  }

  /** Another server may answer next, by another clock. */
  forget(): void {
    this.#heardAt = Number.NEGATIVE_INFINITY
  }

  rest(): void {
    this.#restsUntil = performance.now() + REST_MS
  }
}
