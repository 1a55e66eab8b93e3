import type { Count } from '@tradpal/event-system'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js'
import type { GatheredCounters } from './gathered-counters.ts'

/**
 * A limiter whose counts all instances share. Who has used up what there is is not counted further, and while the log does
 * not count, this instance does so for itself.
 */
export class SharedLimiter extends RateLimiterStoreAbstract {
  readonly #counters: GatheredCounters

  constructor(counters: GatheredCounters, keyPrefix: string, points: number, duration: number) {
    super({
      storeClient: counters,
      keyPrefix,
      points,
      duration,
      inMemoryBlockOnConsumed: points,
      insuranceLimiter: new RateLimiterMemory({ keyPrefix, points, duration })
    })
    this.#counters = counters
  }

  /** Asked by the library for what {@link _getRateLimiterRes} makes a result of. */
  _upsert(key: string, amount: number, windowMs: number): Promise<Count> {
    return this.#counters.add({ key, amount, windowMs })
  }

  _getRateLimiterRes(_key: string, added: number, { value, resetsInMs }: Count): RateLimiterRes {
    return new RateLimiterRes(Math.max(0, this.points - value), resetsInMs, value, value === added)
  }
}
