import type { Storage } from '@tradpal/event-system'
import { systemClock } from '@tradpal/event-system'
import type { RateName } from '@tradpal/event-system/access'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ServiceConfiguration } from '../configuration.ts'
import { RATES, RateLimits, type Standing, tooMuchAtOnce, usedUp } from '../limits/index.ts'
import { callerOf } from './callers.ts'
import type { AccessRule } from './guard.ts'
import type { Metrics } from './metrics.ts'
import { secondsOf } from './problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The limits that the request was counted for. */
    standings: readonly Standing[]
  }
}

export interface RequestLimitsOptions {
  readonly configuration: ServiceConfiguration
  readonly storage: Storage
  readonly metrics: Metrics
}

/** Counts what requests do for who sends them, and refuses what is too much. */
export class RequestLimits {
  readonly #rates: RateLimits
  readonly #metrics: Metrics
  /** Whether anybody may be limited at all: else it costs nothing. */
  readonly #isOn: boolean

  constructor({ configuration: { limits, access }, storage, metrics }: RequestLimitsOptions) {
    this.#rates = new RateLimits({ configuration: limits, counters: storage.counters, clock: systemClock })
    this.#metrics = metrics
    this.#isOn = Object.keys(limits.rates).length > 0 || access.policyFile !== undefined
  }

  /** Comes behind the guard, which says who asks. An endpoint for anybody, such as the one that probes ask, is not limited. */
  addTo(app: FastifyInstance): void {
    app.decorateRequest('standings')
    if (!this.#isOn) return
    app.addHook('onRequest', async (request, reply) => {
      const rule = request.routeOptions.config.access
      if (rule === 'anybody') return
      const ofItsKind = kindOf(rule)
      const rates: RateName[] = ofItsKind === undefined ? ['requests'] : ['requests', ofItsKind]
      await this.#take(
        request,
        reply,
        rates.map((rate) => [rate, 1])
      )
    })
  }

  /** Counts what a request publishes. Rejects with `rate_limited`, and with `payload_too_large` for what never fits; then nothing may be published. */
  async publish(request: FastifyRequest, reply: FastifyReply, events: number): Promise<void> {
    if (!this.#isOn) return
    await this.#take(request, reply, [
      ['publish_events', events],
      ['publish_bytes', request.bodyBytes]
    ])
  }

  async #take(
    request: FastifyRequest,
    reply: FastifyReply,
    wanted: readonly (readonly [rate: RateName, amount: number])[]
  ): Promise<void> {
    const caller = callerOf(request)
    const limited = wanted.flatMap(([rate, amount]) => {
      const quota = this.#rates.quotaOf(rate, caller)
      return quota === undefined ? [] : [{ rate, amount, quota }]
    })
    if (limited.length === 0) return
    for (const { rate, amount, quota } of limited) {
      if (amount > quota)
        throw tooMuchAtOnce(rate, caller, { wanted: amount, quota, windowSeconds: this.#rates.windowSeconds })
    }
    const taken = await Promise.all(
      limited.map(({ rate, amount, quota }) => this.#rates.take(rate, caller, amount, quota))
    )
    request.standings = [...(request.standings ?? []), ...taken]
    tell(reply, request.standings)
    const refusing = taken.filter(({ remaining }) => remaining < 0)
    const [longest] = refusing.toSorted((a, b) => b.resetsInMs - a.resetsInMs)
    if (longest === undefined) return
    for (const { rate } of refusing) this.#metrics.rateLimited.inc({ limit: rate })
    throw usedUp(longest, caller)
  }
}

/** The limit of requests of one kind that an endpoint falls under, by what it asks of who calls it. */
function kindOf(rule: AccessRule | undefined): RateName | undefined {
  if (rule === undefined || typeof rule === 'string') return undefined
  if ('some' in rule) return rule.some === 'read' ? 'read_requests' : undefined
  const [verb] = rule.scope.split(':')
  return verb === undefined ? undefined : KIND_OF_VERB[verb]
}

const KIND_OF_VERB: Readonly<Record<string, RateName>> = {
  read: 'read_requests',
  replay: 'read_requests',
  consume: 'consume_requests',
  admin: 'admin_requests'
}

/** The fields of draft-ietf-httpapi-ratelimit-headers-10. */
function tell(reply: FastifyReply, standings: readonly Standing[]): void {
  const policies = standings.map(
    ({ rate, quota, windowSeconds }) => `"${rate}";q=${quota};w=${windowSeconds}${UNITS[rate]}`
  )
  const left = standings.map((standing) => {
    return `"${standing.rate}";r=${Math.max(0, standing.remaining)};t=${secondsOf(standing.resetsInMs)}`
  })
  reply.header('ratelimit-policy', policies.join(', ')).header('ratelimit', left.join(', '))
}

const UNITS = Object.fromEntries(
  Object.entries(RATES).map(([name, rate]) => [name, 'quotaUnit' in rate ? `;qu="${rate.quotaUnit}"` : ''])
) as Readonly<Record<RateName, string>>
