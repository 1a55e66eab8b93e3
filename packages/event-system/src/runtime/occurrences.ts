import type { Clock } from '@tradpal/events'

/** What happens again and again is told at once, and then so often, in ms. */
const QUIET_MS = 60_000
/** The number of kinds told apart within a minute, since kinds may come from outside. Further kinds count as one. */
const MOST_KINDS = 1_000
const OTHERS = ''

/** Counts what happens again and again, by its kind, so that it can be told once and the rest be counted. */
export class Occurrences {
  readonly #clock: Clock
  /** Kinds that were told longest ago come first. */
  readonly #kinds = new Map<string, { toldAt: number; untold: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many are to be told now, these included: 0 while others were told within the last minute. */
  add(kind: string, count = 1): number {
    const now = this.#clock.now()
    const counted = this.#kinds.has(kind) || this.#hasRoom(now) ? kind : OTHERS
    const known = this.#kinds.get(counted)
    if (known !== undefined && now - known.toldAt < QUIET_MS) {
      known.untold += count
      return 0
    }
    this.#kinds.delete(counted)
    this.#kinds.set(counted, { toldAt: now, untold: 0 })
    return count + (known?.untold ?? 0)
  }

  /** When the map is full, it forgets kinds that were told more than a minute ago. */
  #hasRoom(now: number): boolean {
    for (const [kind, { toldAt }] of this.#kinds) {
      if (this.#kinds.size < MOST_KINDS || now - toldAt < QUIET_MS) break
      this.#kinds.delete(kind)
    }
    return this.#kinds.size < MOST_KINDS
  }
}
