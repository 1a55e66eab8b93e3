import type { Clock } from '@tradpal/event-system'
import { LRUCache } from 'lru-cache'

/** A token is verified anew after so long, in ms. */
const REMEMBERED_MS = 60_000
/** Of more, those that were shown least recently are forgotten. Only tokens that are genuine are remembered, so that strangers take no room here. */
const MOST_REMEMBERED = 10_000

/** What tokens were found to prove, by their text, since verifying one takes longer than all else of a request. */
export class VerifiedTokens<Proven> {
  readonly #clock: Clock
  readonly #tokens = new LRUCache<string, { readonly proven: Proven; readonly until: number }>({ max: MOST_REMEMBERED })

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined for one that is not known, or whose time is over. */
  get(text: string): Proven | undefined {
    const known = this.#tokens.get(text)
    if (known === undefined) return undefined
    if (this.#clock.now() < known.until) return known.proven
    this.#tokens.delete(text)
    return undefined
  }

  /** `expiresAt`: in ms since the epoch. */
  add(text: string, proven: Proven, expiresAt: number): void {
    this.#tokens.set(text, { proven, until: Math.min(expiresAt, this.#clock.now() + REMEMBERED_MS) })
  }
}
