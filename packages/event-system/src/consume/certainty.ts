/**
 * Whether deliveries are still this consumer's: the log says until when, and something else may raise a doubt. A process that was frozen,
 * or that lost a partition, knows by it that it has to ask before it begins anything.
 */
export class Certainty {
  #until = Number.NEGATIVE_INFINITY
  #doubts = 0
  #resolved = 0

  /** How often a doubt was raised. */
  get doubts(): number {
    return this.#doubts
  }

  /** Whether a doubt is not resolved yet. */
  get isInDoubt(): boolean {
    return this.#doubts !== this.#resolved
  }

  /** `now`: ms since the epoch. */
  isThere(now: number): boolean {
    return now < this.#until
  }

  doubt(): void {
    this.#doubts++
    this.#until = Number.NEGATIVE_INFINITY
  }

  /** Returns whether the answer counts. `doubts`: as they were when the log was asked; a later doubt may be about something that happened after the answer. */
  extend(until: number, doubts: number): boolean {
    if (doubts !== this.#doubts) return false
    this.#resolved = doubts
    this.#until = until
    return true
  }
}
