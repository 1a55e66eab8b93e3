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

/** The counters of a log, asked once for all requests that are taken up together: what these add to the same count is added at once. */
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
    const additions = [...Map.groupBy(this.#waiting, ({ addition }) => addition.key).values()]
    this.#waiting = []
    for (let i = 0; i < additions.length; i += MOST_IN_A_CALL) this.#call(additions.slice(i, i + MOST_IN_A_CALL))
  }

  async #call(additions: readonly (readonly Waiting[])[]): Promise<void> {
    try {
      const counts = await this.#counters.add(additions.map(sumOf))
      for (const [i, waiting] of additions.entries()) answer(waiting, counts[i] as Count)
    } catch (error) {
      this.#awayUntil = this.#clock.now() + AWAY_MS
      for (const { reject } of additions.flat()) reject(error)
    }
  }
}

/** Of those that add to the same count, one or more. A count has one window, whoever adds. */
function sumOf(waiting: readonly Waiting[]): Addition {
  const [first] = waiting as readonly [Waiting, ...Waiting[]]
  return { ...first.addition, amount: amountOf(waiting) }
}

/** Tells each what it would have been told had they come one after the other. */
function answer(waiting: readonly Waiting[], { value, resetsInMs }: Count): void {
  let own = value - amountOf(waiting)
  for (const { addition, resolve } of waiting) {
    own += addition.amount
    resolve({ value: own, resetsInMs })
  }
}

function amountOf(waiting: readonly Waiting[]): number {
  return waiting.reduce((sum, { addition }) => sum + addition.amount, 0)
}
