import { compareByEvent, type Posting } from './postings.ts'

export interface FirstOptions {
  readonly direction: 'forward' | 'backward'
  readonly limit: number
}

/** Finds the first `limit` of many postings in the order of event times, or backward. It keeps at most four times as many in memory. */
export class FirstByEvent<One extends Posting> {
  readonly #limit: number
  readonly #compare: (a: One, b: One) => number
  readonly #kept: One[] = []
  /** A posting that does not stand before this one is not wanted. */
  #bound: One | undefined

  constructor({ direction, limit }: FirstOptions) {
    this.#limit = limit
    this.#compare = direction === 'forward' ? compareByEvent : (a, b) => compareByEvent(b, a)
  }

  add(one: One): void {
    if (this.#bound !== undefined && this.#compare(one, this.#bound) >= 0) return
    this.#kept.push(one)
    if (this.#kept.length >= 4 * this.#limit) this.#cut()
  }

  /** The first ones, in their order. */
  found(): One[] {
    this.#cut()
    return [...this.#kept]
  }

  #cut(): void {
    this.#kept.sort(this.#compare)
    this.#kept.length = Math.min(this.#kept.length, this.#limit)
    if (this.#kept.length === this.#limit) this.#bound = this.#kept.at(-1)
  }
}
