import {
  type BackoffOptions,
  backoffMs,
  type Clock,
  type Event,
  EventSystemError,
  type StoredEvent,
  systemClock
} from '@tradpal/events'
import { type EventCodec, plainCodec } from '../codec/index.ts'
import type { ConsumerGroup, Delivery, EventLog, Settlement } from '../log/index.ts'
import { type Logger, silentLogger } from '../runtime/index.ts'
import { mustHaveCome } from './beginning.ts'
import { Contents, isShredded, whyUnread } from './content.ts'
import { fromDeliveryId, type PulledHold, toDeliveryId } from './delivery-id.ts'
import { type Ending, neverFinished, poison, whyInvalid } from './handling.ts'
import { letterOf } from './letter.ts'
import { CRASHES_PER_ATTEMPT } from './option-values.ts'
import { handlingError, Progress } from './progress.ts'
import { name, type PullOptions, type ResolvedPullOptions, resolvePullOptions, within } from './pull-options.ts'
import { PulledGroups } from './pulled-groups.ts'
import { reportClaimed, reportDeadLetter, reportPulled, ShreddedEvents } from './reports.ts'

export interface EventPullerOptions {
  /** A started log. The puller does not close it. */
  readonly log: EventLog
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  readonly logger?: Logger
  readonly clock?: Clock
  /** Spreads the retries. Default Math.random. */
  readonly random?: () => number
}

/** An event that was handed out, until it is acknowledged or its lease ends. */
export interface PulledEvent {
  /** Shown to settle it: to {@link EventPuller.acknowledge}, {@link EventPuller.nack} and {@link EventPuller.extend}, of any process over the log. */
  readonly deliveryId: string
  /** How many times it was handed out, this time included. */
  readonly attempt: number
  readonly event: StoredEvent
}

export interface NackOptions {
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

type Outcome = 'returned' | 'dead' | 'lost'

/** The name under which dead letters know those who pull. */
const HANDLER = 'puller'
const BACKOFF: BackoffOptions = {}
/** What was left by the dead comes up while a pull waits, too. */
const LOOK_AGAIN_MS = 1_000

/**
 * Consuming step by step, for who cannot keep a consumer running in this process: pull events, handle them elsewhere,
 * settle each. What is not settled within its lease is handed out again. The members of a group that is pulled share it
 * event by event, with those of {@link EventSubscriber.startConsuming} too.
 */
export class EventPuller {
  readonly #log: EventLog
  readonly #contents: Contents
  readonly #clock: Clock
  readonly #random: () => number
  readonly #groups: PulledGroups
  readonly #shredded: ShreddedEvents

  constructor(options: EventPullerOptions) {
    const { log, codec = plainCodec, logger = silentLogger, clock = systemClock, random = Math.random } = options
    this.#log = log
    this.#contents = new Contents({ log, codec, shards: 1, logger, clock })
    this.#clock = clock
    this.#shredded = new ShreddedEvents({ log, logger, clock })
    this.#random = random
    this.#groups = new PulledGroups(log, clock, logger)
  }

  /**
   * Events that are the caller's for `leaseMs`: first those that others left, then new ones. Resolves to none when the
   * time is up. What is no valid event goes to the dead letters; what cannot be read before its key is there stays, and
   * `key_missing` is the answer where there is nothing else. Rejects with `invalid_argument`, `unknown_event_type`,
   * with `group_conflict` when the group is ordered by key, and with what the log says.
   */
  async pull(options: PullOptions): Promise<PulledEvent[]> {
    const wanted = resolvePullOptions(options)
    mustHaveCome(wanted.from, this.#log, this.#clock, 'invalid_argument')
    const group = await this.#groups.joined(wanted)
    const deadline = this.#clock.now() + wanted.waitMs
    for (;;) {
      const leftMs = Math.max(0, deadline - this.#clock.now())
      const deliveries = await this.#groups.orRestored(wanted, () => this.#next(group, wanted, leftMs))
      if (wanted.signal?.aborted) {
        if (deliveries.length > 0) await group.release(wanted.consumer, deliveries)
        throw wanted.signal.reason
      }
      const pulled = await this.#handOut(group, wanted, deliveries)
      if (pulled.length > 0 || this.#clock.now() >= deadline) return pulled
    }
  }

  /**
   * Marks deliveries done. Resolves to the ids of those that were not the caller's any more: nothing happened to those.
   * Rejects with `invalid_argument` for what is no delivery of the group, and then acknowledges none.
   */
  async acknowledge(groupName: string, deliveryIds: readonly string[]): Promise<string[]> {
    const group = this.#log.group(name('group', groupName))
    const lost = await this.#eachHolder(groupName, deliveryIds, (consumer, holds) => group.acknowledge(consumer, holds))
    const isLost = new Set(lost)
    for (const id of deliveryIds) {
      if (!isLost.has(id)) reportPulled(this.#log, fromDeliveryId(id, groupName), { now: this.#clock.now() })
    }
    await this.#groups.keepPlace(group)
    return lost
  }

  /** Says that the caller still works on deliveries: their leases begin anew. Resolves to the ids of those that were not its any more. */
  extend(groupName: string, deliveryIds: readonly string[]): Promise<string[]> {
    const group = this.#log.group(name('group', groupName))
    return this.#eachHolder(groupName, deliveryIds, (consumer, holds) => group.extend(consumer, holds))
  }

  /**
   * Hands deliveries back, as failures or not, or gives them up. Says which went to the dead letters, and which were not
   * the caller's any more: nothing happened to those. Rejects with `invalid_argument`, and then hands none back.
   */
  async nack(groupName: string, deliveryIds: readonly string[], options: NackOptions = {}): Promise<NackResult> {
    const { reason, reject = false, delayMs } = options
    if (delayMs !== undefined) within('delayMs', delayMs, 0, 86_400_000)
    if (reject && reason === undefined) {
      throw new EventSystemError('invalid_argument', 'What is rejected needs a reason.', { pointer: '/reason' })
    }
    const group = this.#log.group(name('group', groupName))
    const holds = deliveryIds.map((id) => ({ id, hold: fromDeliveryId(id, groupName) }))
    const outcomes = await Promise.all(
      holds.map(async ({ id, hold }) => {
        const outcome = await (reason === undefined
          ? this.#handBack(group, hold, delayMs ?? 0)
          : this.#fail(group, hold, { reason, reject, delayMs }))
        if (reason !== undefined && outcome !== 'lost') {
          const failure = { error: new Error(reason), willRetry: outcome === 'returned' }
          reportPulled(this.#log, hold, { now: this.#clock.now(), ...failure })
        }
        return { id, outcome }
      })
    )
    const idsOf = (kind: Outcome) => outcomes.filter(({ outcome }) => outcome === kind).map(({ id }) => id)
    return { dead: idsOf('dead'), lost: idsOf('lost') }
  }

  async #handBack(group: ConsumerGroup, hold: PulledHold, delayMs: number): Promise<Outcome> {
    const lost = await group.release(hold.consumer, [hold], { delayMs })
    return lost.length > 0 ? 'lost' : 'returned'
  }

  async #fail(
    group: ConsumerGroup,
    hold: PulledHold,
    { reason, reject, delayMs }: { reason: string; reject: boolean; delayMs: number | undefined }
  ): Promise<Outcome> {
    const { consumer, eventType } = hold
    const [delivery] = await group.held(consumer, [hold])
    if (delivery === undefined) return 'lost'
    const progress = Progress.from(delivery.note)
    const own = progress.of(HANDLER)
    own.failures++
    own.lastError = handlingError(reason, this.#clock.now())
    own.firstError ??= own.lastError
    const { failures: attempts, firstError, lastError } = own
    if (reject || attempts >= hold.maxAttempts) {
      const kind = reject ? 'rejected' : 'exhausted'
      const givenUp = { kind, handler: HANDLER, attempts, firstError, lastError } as const
      const letter = letterOf(delivery, givenUp, { consumer, eventType, note: progress.toNoteOfTheDead() })
      const [isSettled] = await this.#settle(group, consumer, [{ ...hold, outcome: { kind: 'dead', letter } }])
      return isSettled ? 'dead' : 'lost'
    }
    // Handed back with a delay it counts as a delivery, which it was.
    const waitMs = Math.max(1, delayMs ?? backoffMs(attempts, BACKOFF, this.#random))
    own.dueAt = this.#clock.now() + waitMs
    const note = progress.toNote()
    const [isNoted] = await this.#settle(group, consumer, [{ ...hold, outcome: { kind: 'retry', note } }])
    if (!isNoted) return 'lost'
    return this.#handBack(group, hold, waitMs)
  }

  /** What others left, and when there is nothing, what is new. */
  async #next(group: ConsumerGroup, wanted: ResolvedPullOptions, leftMs: number): Promise<Delivery[]> {
    const { consumer, max: limit, leaseMs, signal } = wanted
    const claimed = await group.claim(consumer, { minIdleMs: leaseMs, limit })
    if (claimed.length > 0) {
      await this.#contents.ready(claimed)
      reportClaimed(this.#log, group.name, claimed, this.#contents)
      return claimed
    }
    const waitMs = Math.min(leftMs, LOOK_AGAIN_MS)
    return group.read(consumer, { limit, waitMs, ...(signal === undefined ? {} : { signal }) })
  }

  /** Keeps what the caller did not ask for, or could do nothing with, from it. */
  async #handOut(
    group: ConsumerGroup,
    { consumer, eventTypes, maxAttempts }: ResolvedPullOptions,
    deliveries: readonly Delivery[]
  ): Promise<PulledEvent[]> {
    await this.#contents.ready(deliveries)
    const at = this.#clock.now()
    const pulled: PulledEvent[] = []
    const settlements: Settlement[] = []
    const unread: Delivery[] = []
    let waitsFor: Error | undefined
    for (const delivery of deliveries) {
      const { messageId, attempt } = delivery
      const content = this.#contents.of(delivery)
      const { event } = content
      const reason = whyUnread(content)
      if (reason !== undefined) {
        waitsFor = reason
        unread.push(delivery)
        continue
      }
      const isGone = isShredded(content)
      if (isGone) this.#shredded.add(group.name, messageId)
      const isWanted = !isGone && (event === undefined || eventTypes === undefined || eventTypes.has(event.eventType))
      const ending = isWanted ? this.#endingOf(delivery, event, 'error' in content && content.error, maxAttempts) : DONE
      if (event !== undefined && ending === undefined) {
        const { eventType } = event
        const hold = { group: group.name, consumer, messageId, attempt, eventType, maxAttempts, at }
        pulled.push({ deliveryId: toDeliveryId(hold), attempt, event: { ...event, messageId } })
      } else if (ending?.kind === 'dead') {
        const about = { consumer, eventType: event?.eventType ?? null, note: undefined }
        settlements.push({
          messageId,
          attempt,
          outcome: { kind: 'dead', letter: letterOf(delivery, ending.letter, about) }
        })
      } else {
        settlements.push({ messageId, attempt, outcome: { kind: 'done' } })
      }
    }
    if (settlements.length > 0) await this.#settle(group, consumer, settlements)
    if (unread.length > 0) await group.release(consumer, unread)
    if (waitsFor !== undefined && pulled.length === 0) throw waitsFor
    return pulled
  }

  /** How a delivery ends before anybody has seen it; undefined when it is to be handed out. */
  #endingOf(
    { attempt }: Delivery,
    event: Event | undefined,
    error: unknown,
    maxAttempts: number
  ): Ending['verdict'] | undefined {
    const now = this.#clock.now()
    if (event === undefined) return poison(error, now).verdict
    const invalid = whyInvalid(event)
    if (invalid !== undefined) return poison(invalid, now).verdict
    if (attempt > maxAttempts * CRASHES_PER_ATTEMPT) return neverFinished(attempt - 1, now).verdict
    return undefined
  }

  /** A sentence for each reason why events wait to be read: a key that is not there. */
  get missed(): readonly string[] {
    return this.#contents.missed
  }

  /** Resolves to whether each was settled. */
  async #settle(group: ConsumerGroup, consumer: string, settlements: readonly Settlement[]): Promise<boolean[]> {
    const results = await group.settle(consumer, settlements)
    for (const result of results) {
      if (result.kind === 'settled' && result.letter !== undefined) reportDeadLetter(this.#log, result.letter)
    }
    return results.map(({ kind }) => kind === 'settled')
  }

  /** Resolves to the ids of deliveries whose hold was lost. An event may be among them twice, under an old attempt and a new one. */
  async #eachHolder(
    groupName: string,
    deliveryIds: readonly string[],
    act: (consumer: string, holds: readonly PulledHold[]) => Promise<string[]>
  ): Promise<string[]> {
    const holds = deliveryIds.map((id) => ({ id, hold: fromDeliveryId(id, groupName) }))
    const lost: string[] = []
    for (const [consumer, ofOne] of Map.groupBy(holds, ({ hold }) => hold.consumer)) {
      for (const ofAttempt of Map.groupBy(ofOne, ({ hold }) => hold.attempt).values()) {
        const held = ofAttempt.map(({ hold }) => hold)
        const lostMessages = new Set(await act(consumer, held))
        lost.push(...ofAttempt.filter(({ hold }) => lostMessages.has(hold.messageId)).map(({ id }) => id))
      }
    }
    return lost
  }
}

const DONE: Ending['verdict'] = { kind: 'done' }
