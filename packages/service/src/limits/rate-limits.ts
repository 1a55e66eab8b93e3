import { type Clock, type Counters, EventSystemError } from '@tradpal/event-system'
import type { OwnLimits, RateName } from '@tradpal/event-system/access'
import type { RateLimiterAbstract } from 'rate-limiter-flexible'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'
import type { LimitsConfiguration } from './configuration.ts'
import { GatheredCounters } from './gathered-counters.ts'
import { RATES } from './names.ts'
import { SharedLimiter } from './shared-limiter.ts'

/** Who is limited. */
export interface Caller {
  /** Unique among all callers. */
  readonly key: string
  /** For people, as the beginning of a sentence. */
  readonly shown: string
  /** Where they are not those of all. */
  readonly limits: OwnLimits | undefined
}

/** What is left of a limit. */
export interface Standing {
  readonly rate: RateName
  /** How much there is in a window. */
  readonly quota: number
  readonly windowSeconds: number
  readonly remaining: number
  readonly resetsInMs: number
}

export interface RateLimitsOptions {
  readonly configuration: LimitsConfiguration
  /** Where instances count together. Without them each counts for itself. */
  readonly counters: Counters | undefined
  readonly clock: Clock
}

/**
 * What callers may do in a time. As much as a rate allows in the seconds of a burst may be done in them, at once or in parts;
 * the seconds begin with the first request. What is refused counts too: who goes on all the same waits for their end.
 */
export class RateLimits {
  readonly #configuration: LimitsConfiguration
  readonly #counters: GatheredCounters | undefined
  readonly #limiters = new Map<string, RateLimiterAbstract>()

  constructor({ configuration, counters, clock }: RateLimitsOptions) {
    this.#configuration = configuration
    this.#counters = counters === undefined ? undefined : new GatheredCounters(counters, clock)
  }

  /** How long a window is. */
  get windowSeconds(): number {
    return this.#configuration.burstSeconds
  }

  /** How much of it the caller may do in the seconds of a burst; undefined where nobody says. */
  quotaOf(rate: RateName, { limits }: Caller): number | undefined {
    const perSecond = limits?.[`${rate}_per_second`] ?? this.#configuration.rates[rate]
    if (perSecond === undefined || perSecond === Number.POSITIVE_INFINITY) return undefined
    return perSecond * this.#configuration.burstSeconds
  }

  /** Counts it, and resolves to how the limit stands with it: when `remaining` is negative it was too much. */
  async take(rate: RateName, caller: Caller, amount: number, quota: number): Promise<Standing> {
    const result = await this.#limiter(rate, quota)
      .consume(caller.key, amount)
      .catch((refusal: unknown) => {
        if (refusal instanceof RateLimiterRes) return { ...refusal.toJSON(), remainingPoints: -1 }
        throw refusal
      })
    return {
      rate,
      quota,
      windowSeconds: this.windowSeconds,
      remaining: result.remainingPoints,
      resetsInMs: result.msBeforeNext
    }
  }

  #limiter(rate: RateName, quota: number): RateLimiterAbstract {
    const name = `${rate}:${quota}`
    const known = this.#limiters.get(name)
    if (known !== undefined) return known
    const duration = this.#configuration.burstSeconds
    const limiter =
      this.#counters === undefined
        ? new RateLimiterMemory({ keyPrefix: rate, points: quota, duration })
        : new SharedLimiter(this.#counters, rate, quota, duration)
    this.#limiters.set(name, limiter)
    return limiter
  }
}

/** Why what a caller wants is refused now. */
export function usedUp({ rate, quota, windowSeconds, resetsInMs }: Standing, { shown }: Caller): EventSystemError {
  return new EventSystemError(
    'rate_limited',
    `${mayDo(rate, shown, quota, windowSeconds)}, and has: come again in ${Math.ceil(resetsInMs / 1_000)} s.`,
    { retryAfterMs: resetsInMs }
  )
}

/** Why what a caller wants is refused for ever: it is more than fits into the seconds of a burst. */
export function tooMuchAtOnce(
  rate: RateName,
  { shown }: Caller,
  { wanted, quota, windowSeconds }: { wanted: number; quota: number; windowSeconds: number }
): EventSystemError {
  return new EventSystemError(
    'payload_too_large',
    `${mayDo(rate, shown, quota, windowSeconds)}, and this is ${wanted} at once: send it in parts.`
  )
}

function mayDo(rate: RateName, shown: string, quota: number, windowSeconds: number): string {
  const { variable, verb, unit } = RATES[rate]
  return `${shown} may ${verb} ${quota} ${unit} in ${windowSeconds} s (${variable}, or ${rate}_per_second of the policy)`
}
