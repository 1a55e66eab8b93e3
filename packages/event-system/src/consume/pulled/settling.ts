import { type BackoffOptions, type Clock, EventSystemError } from '@tradpal/events'
import type { Received } from '../../codec/index.ts'
import { clearPartOf } from '../../codec/index.ts'
import type { MessageId, Storage, WorkQueue } from '../../log/index.ts'
import { diagnostics, shown } from '../../runtime/index.ts'
import { noteFailure, verdictOn } from '../failure-policy.ts'
import { heldDeliveries } from '../held-deliveries.ts'
import { letterOf } from '../letter.ts'
import { Progress } from '../progress.ts'
import { type PulledEnding, reportPulled } from '../reports.ts'
import { doneOf, type Outcome as End } from '../settlement.ts'
import type { DeliveredEvent, DeliveredEvents } from './delivered-events.ts'
import type { DeliveryIds, PulledHold, Verified } from './delivery-id.ts'
import type { PulledGroups } from './groups.ts'
import { name, principalOf, within } from './pull-options.ts'
import type { PulledSettlements } from './settlements.ts'

/** Who settles deliveries. */
export interface SettleOptions {
  /** The name in which the deliveries were pulled: {@link PullOptions.principal}. Default: an empty name. */
  readonly principal?: string
  /**
   * Throws when the caller may not settle an event of this type, `null` for one whose type cannot be read. Then nothing of
   * the call happens. Default: the caller may settle every type.
   */
  readonly permit?: (eventType: string | null) => void
}

export interface NackOptions extends SettleOptions {
  /** When it may be handed out again, in ms from now. Default: a failure's backoff, exponential with full jitter from 100 ms to 30 s; else 0. */
  readonly delayMs?: number
  /** What went wrong: it is a failure, and counts. Without it the event is only handed back, as often as one likes. */
  readonly reason?: string
  /** With a reason: trying again cannot help, and the event goes to the dead letters at once. Default false. */
  readonly reject?: boolean
}

export interface NackResult {
  /** The ids of deliveries that went to the dead letters. */
  readonly dead: readonly string[]
  /** The ids of those that were not the caller's any more. */
  readonly lost: readonly string[]
}

/** How a handler of a delivery failed. */
interface Failure {
  readonly reason: string
  readonly reject: boolean
  readonly maxAttempts: number
  readonly delayMs: number | undefined
}

type Outcome = 'returned' | 'dead' | 'lost'
type Settled = ReadonlyMap<MessageId, DeliveredEvent>

/** The name under which dead letters know those who pull. */
const HANDLER = 'puller'
const BACKOFF: BackoffOptions = {}

export interface PulledSettlingParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: () => number
  readonly groups: PulledGroups
  readonly ids: DeliveryIds
  readonly delivered: DeliveredEvents
  readonly settlements: PulledSettlements
}

/** What becomes of deliveries that were pulled. Each call verifies all of its ids, and what they may settle, before it settles one. */
export class PulledSettling {
  readonly #parts: PulledSettlingParts

  constructor(parts: PulledSettlingParts) {
    this.#parts = parts
  }

  async acknowledge(groupName: string, deliveryIds: readonly string[], options: SettleOptions): Promise<string[]> {
    const { clock, groups, delivered } = this.#parts
    const { group, verified, events } = await this.#permitted(groupName, deliveryIds, options)
    const lost = await eachHolder(verified, (consumer, holds) => group.acknowledge(consumer, holds))
    const isLost = new Set(lost)
    for (const { id, hold } of verified) {
      if (isLost.has(id)) continue
      this.#report(hold, events, { now: clock.now() })
      delivered.delete(hold.messageId)
    }
    await groups.keepPlace(group)
    return lost
  }

  async extend(groupName: string, deliveryIds: readonly string[], options: SettleOptions): Promise<string[]> {
    const { group, verified } = await this.#permitted(groupName, deliveryIds, options)
    return eachHolder(verified, (consumer, holds) => group.extend(consumer, holds))
  }

  async nack(groupName: string, deliveryIds: readonly string[], options: NackOptions): Promise<NackResult> {
    const { reason, reject = false, delayMs } = options
    if (reason !== undefined && typeof reason !== 'string') throw wrongArgument('reason', 'a text', reason)
    if (typeof reject !== 'boolean') throw wrongArgument('reject', 'true or false', reject)
    if (delayMs !== undefined) within('delayMs', delayMs, 0, 86_400_000)
    if (reject && reason === undefined) {
      throw new EventSystemError('invalid_argument', 'What is rejected needs a reason.', { pointer: '/reason' })
    }
    const { clock, groups } = this.#parts
    const { group, verified, events } = await this.#permitted(groupName, deliveryIds, options)
    const maxAttempts = reason === undefined || reject ? 0 : await groups.maxAttemptsOf(groupName)
    const outcomes = await Promise.all(
      verified.map(async ({ id, hold }) => {
        if (reason === undefined) return { id, outcome: await this.#handBack(group, hold, delayMs ?? 0) }
        const outcome = await this.#fail(group, hold, { reason, reject, maxAttempts, delayMs })
        const ended = { now: clock.now(), error: new Error(reason), willRetry: outcome === 'returned' }
        if (outcome !== 'lost') this.#report(hold, events, ended)
        return { id, outcome }
      })
    )
    const idsOf = (kind: Outcome) => outcomes.filter(({ outcome }) => outcome === kind).map(({ id }) => id)
    return { dead: idsOf('dead'), lost: idsOf('lost') }
  }

  /** Verifies ids, and asks whether the caller may settle what they stand for. */
  async #permitted(
    groupName: string,
    deliveryIds: readonly string[],
    options: SettleOptions
  ): Promise<{ group: WorkQueue; verified: readonly Verified[]; events: Settled }> {
    const { permit } = options
    if (permit !== undefined && typeof permit !== 'function') throw wrongArgument('permit', 'a function', permit)
    const group = this.#parts.storage.queue(name('group', groupName))
    const principal = principalOf(options.principal)
    const verified = await this.#parts.ids.verified(deliveryIds, { group: groupName, principal })
    const isAsked = permit !== undefined || diagnostics.consumed.hasSubscribers
    const events: Settled = isAsked ? await this.#eventsOf(group, verified) : new Map()
    const types = new Set([...events.values()].map(({ eventType }) => eventType))
    if (permit !== undefined) for (const eventType of types) permit(eventType)
    return { group, verified, events }
  }

  #report(hold: PulledHold, events: Settled, ended: PulledEnding): void {
    const { eventType = null, appendedAt = 0 } = events.get(hold.messageId) ?? {}
    if (eventType !== null) reportPulled(this.#parts.storage, { ...hold, eventType, appendedAt }, ended)
  }

  /**
   * The events of deliveries, by message id: as this process remembers them, and where another delivered them, as the
   * log has what is held. Left out is what the caller does not hold any more, which it cannot settle either.
   */
  async #eventsOf(group: WorkQueue, verified: readonly Verified[]): Promise<Settled> {
    const { storage, delivered } = this.#parts
    const events = new Map<MessageId, DeliveredEvent>()
    const unknown: Verified[] = []
    for (const one of verified) {
      const { messageId } = one.hold
      const event = delivered.get(messageId)
      if (event === undefined) unknown.push(one)
      else events.set(messageId, event)
    }
    await eachHolder(unknown, async (consumer, holds) => {
      for (const { messageId, appendedAt, payload } of await heldDeliveries({ storage, group, consumer }, holds)) {
        events.set(messageId, { eventType: clearPartOf(payload)?.eventType ?? null, appendedAt })
      }
      return []
    })
    return events
  }

  async #handBack(group: WorkQueue, hold: PulledHold, delayMs: number): Promise<Outcome> {
    const lost = await group.release(hold.consumer, [hold], { delayMs })
    return lost.length > 0 ? 'lost' : 'returned'
  }

  async #fail(group: WorkQueue, hold: PulledHold, { reason, reject, maxAttempts, delayMs }: Failure): Promise<Outcome> {
    const { storage, clock, random, settlements } = this.#parts
    const { consumer } = hold
    const [held] = await heldDeliveries({ storage, group, consumer }, [hold])
    if (held === undefined) return 'lost'
    const delivery = settlements.attachmentsOf(group.name).read(held)
    const progress = Progress.from(delivery.note)
    const own = progress.of(HANDLER)
    const now = clock.now()
    const failure = { verdict: { kind: reject ? 'rejected' : 'failed' }, error: reason, now } as const
    noteFailure(own, failure, { maxAttempts, backoff: BACKOFF, random })
    if (delayMs !== undefined) own.dueAt = now + delayMs
    const verdict = verdictOn([{ name: HANDLER, progress: own }])
    if (verdict.kind === 'dead') {
      const eventType = clearPartOf(delivery.payload)?.eventType ?? null
      const about = { group: group.name, consumer, eventType, note: progress.toNoteOfTheDead() }
      const letter = letterOf(delivery, verdict.letter, about)
      return (await this.#settle(hold, delivery, { kind: 'dead', letter })) ? 'dead' : 'lost'
    }
    if (!(await this.#settle(hold, delivery, { kind: 'retry', note: progress.toNote() }))) return 'lost'
    // Handed back with a delay it counts as a delivery, which it was.
    return this.#handBack(group, hold, Math.max(1, (own.dueAt ?? now) - now))
  }

  /** Resolves to whether it was settled. */
  async #settle({ group, consumer }: PulledHold, delivery: Received, outcome: End): Promise<boolean> {
    const [result] = await this.#parts.settlements.settle(group, consumer, [{ ...doneOf(delivery), outcome }])
    return result?.kind === 'settled'
  }
}

function wrongArgument(argument: string, expected: string, given: unknown): EventSystemError {
  const sentence = `${argument} must be ${expected}, got ${shown(given)}.`
  return new EventSystemError('invalid_argument', sentence, { pointer: `/${argument}` })
}

/** Resolves to the ids of deliveries whose hold was lost. An event may be among them twice, under an old attempt and a new one. */
async function eachHolder(
  verified: readonly Verified[],
  act: (consumer: string, holds: readonly PulledHold[]) => Promise<string[]>
): Promise<string[]> {
  const lost: string[] = []
  for (const [consumer, ofOne] of Map.groupBy(verified, ({ hold }) => hold.consumer)) {
    for (const ofAttempt of Map.groupBy(ofOne, ({ hold }) => hold.attempt).values()) {
      const lostMessages = new Set(
        await act(
          consumer,
          ofAttempt.map(({ hold }) => hold)
        )
      )
      lost.push(...ofAttempt.filter(({ hold }) => lostMessages.has(hold.messageId)).map(({ id }) => id))
    }
  }
  return lost
}
