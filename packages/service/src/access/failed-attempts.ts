import { EventSystemError } from '@tradpal/event-system'
import { LRUCache } from 'lru-cache'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import { networkOf } from './addresses.ts'

/** Failures are counted for so long, in s. */
const WINDOW_S = 60
/** So many addresses are told apart in that time; all further ones count as one. */
const MOST_ADDRESSES = 10_000
/** This many credentials that were right are remembered, those that were shown last. */
const MOST_PROVEN = 10_000

export interface FailedAttemptsOptions {
  /** So many wrong credentials of an address are looked at. */
  readonly perMinute: number
  /** How many addresses are told apart. Default 10,000. */
  readonly mostAddresses?: number
  /** Told of each attempt that is not looked at. */
  readonly onRefused: () => void
}

/**
 * Keeps whoever guesses credentials from trying many: after so many wrong ones of an address, what comes from there is refused
 * before anything is looked up. What was right here before is still looked at, so that nobody who guesses behind the same address
 * locks out a service that works there; one that has not been here yet waits for the end of the minute. Each instance counts for itself.
 */
export class FailedAttempts {
  readonly #options: FailedAttemptsOptions
  readonly #failures: RateLimiterMemory
  /** By address, when it may be forgotten, on the clock of `performance.now()`. The oldest come first. */
  readonly #addresses = new Map<string, number>()
  readonly #proven = new LRUCache<string, true>({ max: MOST_PROVEN })

  constructor(options: FailedAttemptsOptions) {
    this.#options = options
    this.#failures = new RateLimiterMemory({ points: options.perMinute, duration: WINDOW_S })
  }

  isProven(credentials: string): boolean {
    return this.#proven.has(credentials)
  }

  /** Looks whether credentials are right, unless too many of this address were wrong: then it rejects with `rate_limited`. */
  async look<Found>(address: string, credentials: string, look: () => Promise<Found> | Found): Promise<Found> {
    const isProven = this.isProven(credentials)
    if (!isProven) await this.#mustBeFew(address)
    try {
      const found = await look()
      if (!isProven) this.#proven.set(credentials, true)
      return found
    } catch (error) {
      if (error instanceof EventSystemError && error.code === 'unauthenticated') await this.#count(address, credentials)
      throw error
    }
  }

  async #mustBeFew(address: string): Promise<void> {
    const failures = await this.#failures.get(this.#keyOf(networkOf(address)))
    if (failures === null || failures.consumedPoints < this.#options.perMinute) return
    this.#options.onRefused()
    throw new EventSystemError(
      'rate_limited',
      `Too many wrong credentials came from your address (${networkOf(address)}): more than ${this.#options.perMinute} in a minute are not looked at (EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE). Come again in ${Math.ceil(failures.msBeforeNext / 1_000)} s.`,
      { retryAfterMs: failures.msBeforeNext }
    )
  }

  async #count(address: string, credentials: string): Promise<void> {
    const key = this.#keyOf(networkOf(address))
    this.#proven.delete(credentials)
    this.#addresses.delete(key)
    this.#addresses.set(key, performance.now() + WINDOW_S * 1_000)
    await this.#failures.penalty(key)
  }

  /** An attacker with many addresses fills no memory: beyond so many, they count together. */
  #keyOf(network: string): string {
    const { mostAddresses = MOST_ADDRESSES } = this.#options
    if (this.#addresses.has(network) || this.#addresses.size < mostAddresses) return network
    const now = performance.now()
    for (const [address, until] of this.#addresses) {
      if (until > now) return OTHERS
      this.#addresses.delete(address)
      if (this.#addresses.size < mostAddresses) return network
    }
    return OTHERS
  }
}

const OTHERS = 'others'
