import type * as Api from '@tradpal/event-api'
import { EventSystemError } from '@tradpal/events'
import { type Delivery, deliveriesOf, lostOf } from './answers/index.ts'
import type { ResolvedConsumeOptions } from './consume-options.ts'
import { groupPath, placeOf } from './groups.ts'
import { bodyOf } from './query.ts'
import type { ServiceRequest, Transport } from './transport.ts'

/** Why deliveries are handed back. Without a reason no failure is counted. */
export interface Nack {
  readonly reason?: string
  /** Not to be handed out before, in ms. Default: the service's backoff for a failure, else at once. */
  readonly delayMs?: number
  /** Trying again cannot help. */
  readonly reject?: boolean
}

/** How long the service holds a pull that finds nothing. */
const WAIT_MS = 20_000
/** The service keeps no longer reasons than this. */
const LONGEST_REASON = 2_000
const LONGEST_DELAY_MS = 86_400_000

/** The service's calls for consuming one group. */
export class Pulling {
  readonly #transport: Transport
  readonly #path: string
  readonly #options: ResolvedConsumeOptions

  constructor(transport: Transport, group: string, options: ResolvedConsumeOptions) {
    this.#transport = transport
    this.#path = groupPath(group)
    this.#options = options
  }

  /** The next events, at most `max`: none when the time is up. It is attempted once. */
  async pull(max: number, { isFirst, signal }: { isFirst: boolean; signal: AbortSignal }): Promise<Delivery[]> {
    const { consumer, leaseMs, maxAttempts, eventTypes, from } = this.#options
    const waitMs = isFirst ? 0 : WAIT_MS
    const body = bodyOf<Api.PullRequest>({
      max,
      consumer,
      wait_ms: waitMs,
      lease_ms: leaseMs,
      max_attempts: maxAttempts,
      event_types: eventTypes,
      from: placeOf('from', from)
    })
    const timeoutMs = waitMs + this.#transport.options.timeoutMs
    return await this.#transport.json({ ...this.#request('pull', body, 'never'), timeoutMs }, deliveriesOf, signal)
  }

  /** Resolves to the ids of those that were not the caller's any more. */
  acknowledge(deliveryIds: readonly string[]): Promise<string[]> {
    return this.#settle(
      deliveryIds,
      this.#request('ack', bodyOf<Api.SettleRequest>({ delivery_ids: deliveryIds }), 'always')
    )
  }

  extend(deliveryIds: readonly string[]): Promise<string[]> {
    return this.#settle(
      deliveryIds,
      this.#request('extend', bodyOf<Api.SettleRequest>({ delivery_ids: deliveryIds }), 'always')
    )
  }

  nack(
    deliveryIds: readonly string[],
    { reason, delayMs, reject }: Nack,
    repeat: ServiceRequest['repeat'] = 'always'
  ): Promise<string[]> {
    const body = bodyOf<Api.NackRequest>({
      delivery_ids: deliveryIds,
      reason: reason?.slice(0, LONGEST_REASON),
      delay_ms: delayMs === undefined ? undefined : Math.min(LONGEST_DELAY_MS, Math.ceil(delayMs)),
      reject
    })
    return this.#settle(deliveryIds, this.#request('nack', body, repeat))
  }

  /** 409 says that all were lost, which is an answer too: also to a second attempt, when the first one's answer was lost. */
  async #settle(deliveryIds: readonly string[], request: ServiceRequest): Promise<string[]> {
    try {
      return await this.#transport.json(request, lostOf)
    } catch (error) {
      if (error instanceof EventSystemError && error.code === 'delivery_lost') return [...deliveryIds]
      throw error
    }
  }

  #request(call: string, body: string, repeat: ServiceRequest['repeat']): ServiceRequest {
    return { method: 'POST', path: `${this.#path}/${call}`, body, repeat }
  }
}
