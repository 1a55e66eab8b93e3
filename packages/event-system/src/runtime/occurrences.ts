import type { Clock } from '@tradpal/events'

/** What happens again and again is told at once, and then so often, in ms. */
const QUIET_MS = 60_000

/** Counts what happens again and again, by its kind, so that it can be told once and the rest be counted. */
export class Occurrences {
  readonly #clock: Clock
  readonly #kinds = new Map<string, { toldAt: number; untold: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many are to be told now, these included: 0 while others were told within the last minute. */
  add(kind: string, count = 1): number {
    const now = this.#clock.now()
    const known = this.#kinds.get(kind) ?? { toldAt: Number.NEGATIVE_INFINITY, untold: 0 }
    this.#kinds.set(kind, known)
    known.untold += count
    if (now - known.toldAt < QUIET_MS) return 0
    const { untold } = known
    known.toldAt = now
    known.untold = 0
    return untold
  }
}
