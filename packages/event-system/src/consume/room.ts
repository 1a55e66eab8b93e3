import type { InHand } from './in-hand.ts'
import type { Lanes } from './lanes.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import type { Reading } from './reading.ts'

/** So many entries may wait, for their retries or behind one that does, before the consumer stops taking new ones. */
const MAX_PARKED = 100_000
/** Beyond so many times the prefetch that wait for their acknowledgement, no more entries are asked for. */
const ENDED_PER_PREFETCH = 2

export interface RoomParts {
  readonly options: Pick<ResolvedConsumeOptions, 'prefetch' | 'prefetchBytes' | 'concurrency'>
  readonly inHand: InHand
  readonly lanes: Lanes
  readonly reading: Reading
}

/** How many more entries a consumer may have in hand, beside those that wait, are handled, and are only being acknowledged. */
export class Room {
  readonly #parts: RoomParts
  readonly #counts = { waiting: 0, ended: 0 }

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /** An entry waits for its retry from here on; or is handled, and not yet known to be settled. */
  enter(state: 'waiting' | 'ended'): void {
    this.#counts[state]++
  }

  leave(state: 'waiting' | 'ended'): void {
    this.#counts[state]--
  }

  /** Nothing, until there is room for half of what is held ready: entries are asked for in pages. What is done, and is only being acknowledged, keeps none from coming. What cannot be read yet does: as when the log is away, all wait. */
  get left(): number {
    const { options, inHand, reading } = this.#parts
    const { prefetch, prefetchBytes, concurrency } = options
    const { ended } = this.#counts
    const parked = this.#parked()
    if (reading.isWaiting || parked >= MAX_PARKED || inHand.bytes >= prefetchBytes) return 0
    if (ended > ENDED_PER_PREFETCH * prefetch) return 0
    const room = prefetch + concurrency - (inHand.size - parked - ended)
    return room >= prefetch / 2 ? room : 0
  }

  /** What waits is not to take the room of what does not. */
  get isCrowded(): boolean {
    const { prefetch, prefetchBytes } = this.#parts.options
    return this.#parked() > prefetch || this.#parts.inHand.bytes > prefetchBytes / 2
  }

  /** How many wait, for their retries or behind one that does. */
  #parked(): number {
    return this.#counts.waiting + this.#parts.lanes.parked
  }
}
