import { type Addition, type Clock, type Count, type Counters, EventSystemError } from '@tradpal/event-system'

/** A log that did not count is not asked again for so long, in ms: nobody should wait for it with each request. */
const AWAY_MS = 1_000
/** At most so many additions go into a call. */
const MOST_IN_A_CALL = 1_000

interface Waiting {
  readonly addition: Addition
  readonly resolve: (count: Count) => void
  readonly reject: (error: unknown) => void
}

/** The counters of a log, asked once for all requests that are taken up together. */
export class GatheredCounters {
  readonly #counters: Counters
  readonly #clock: Clock
  #waiting: Waiting[] = []
  #awayUntil = Number.NEGATIVE_INFINITY

  constructor(counters: Counters, clock: Clock) {
    this.#counters = counters
    this.#clock = clock
  }

  /** Rejects at once, and for a while, when the log did not answer the last time. */
  add(addition: Addition): Promise<Count> {
    if (this.#clock.now() < this.#awayUntil) {
      return Promise.reject(new EventSystemError('log_unavailable', 'The log does not count just now.'))
    }
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ addition, resolve, reject }) === 1) process.nextTick(() => this.#send())
    })
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let i = 0; i < waiting.length; i += MOST_IN_A_CALL) this.#call(waiting.slice(i, i + MOST_IN_A_CALL))
  }

  async #call(waiting: readonly Waiting[]): Promise<void> {
    try {
      const counts = await this.#counters.add(waiting.map(({ addition }) => addition))
      for (const [i, { resolve }] of waiting.entries()) resolve(counts[i] as Count)
    } catch (error) {
      this.#awayUntil = this.#clock.now() + AWAY_MS
      for (const { reject } of waiting) reject(error)
    }
  }
}
