import { type Clock, type OptionNames, onlyOptions, type StoredEvent, systemClock } from '@tradpal/events'
import { type EventCodec, plainCodec, type TextVault } from '../../codec/index.ts'
import { DeadLetters } from '../../dead-letters/index.ts'
import { DeliveryKeys, MAX_GROUPS } from '../../groups/index.ts'
import { type Delivery, Documents, mustCombine, type Storage, type WorkQueue } from '../../log/index.ts'
import { type LoggerOption, loggerOf, mustBeLog } from '../../runtime/index.ts'
import { mustHaveCome } from '../beginning.ts'
import { Contents, isShredded, whyUnread } from '../content.ts'
import { Decoder } from '../decoder.ts'
import { neverFinished, poison } from '../failure-policy.ts'
import type { Content, Held } from '../held.ts'
import { letterOf } from '../letter.ts'
import { reportClaimed, ShreddedEvents } from '../reports.ts'
import { doneOf, type Settlement } from '../settlement.ts'
import { SETTLING_PARTS } from '../settling.ts'
import { deliveredEvents } from './delivered-events.ts'
import { DeliveryIds } from './delivery-id.ts'
import { PulledGroups } from './groups.ts'
import { type PullOptions, type ResolvedPullOptions, resolvePullOptions } from './pull-options.ts'
import { PulledSettlements } from './settlements.ts'
import { type NackOptions, type NackResult, PulledSettling, type SettleOptions } from './settling.ts'

export interface EventPullerOptions {
  /** A started log. The puller does not close it. */
  readonly storage: Storage
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  /** Seals what is kept beside the events, where the log is encrypted. Default: nothing is sealed. */
  readonly vault?: TextVault | undefined
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr ({@link stderrLogger}). */
  readonly logger?: LoggerOption
  readonly clock?: Clock
  /** Spreads the retries. Default Math.random. */
  readonly random?: () => number
  /**
   * A pull that would make a group is refused when the log has this many. Groups that {@link EventSubscriber.startConsuming}
   * makes count, and are never refused: a program names those, not its callers. Default 1,000.
   */
  readonly maxGroups?: number
}

const OPTIONS: OptionNames<EventPullerOptions> = {
  storage: true,
  codec: true,
  vault: true,
  logger: true,
  clock: true,
  random: true,
  maxGroups: true
}
const SETTLE_OPTIONS: OptionNames<SettleOptions> = { principal: true, permit: true }

/** An event that was handed out, until it is acknowledged or its lease ends. */
export interface PulledEvent {
  /**
   * Shown to settle it: to {@link EventPuller.acknowledge}, {@link EventPuller.nack} and {@link EventPuller.extend}, of any
   * process over the log, in the name of the same principal.
   */
  readonly deliveryId: string
  /** How many times it was handed out, this time included. */
  readonly attempt: number
  readonly event: StoredEvent
}

/** The deliveries of one call, and whether they were taken over from others. */
interface Fetched {
  readonly deliveries: readonly Delivery[]
  readonly isClaimed: boolean
}

/** What was left by the dead comes up while a pull waits, too. */
const LOOK_AGAIN_MS = 1_000

/**
 * Consuming step by step, for who cannot keep a consumer running in this process: pull events, handle them elsewhere,
 * settle each. What is not settled within its lease is handed out again. The members of a group that is pulled share it
 * event by event, with those of {@link EventSubscriber.startConsuming} too.
 */
export class EventPuller {
  readonly #storage: Storage
  readonly #contents: Contents
  readonly #clock: Clock
  readonly #groups: PulledGroups
  readonly #ids: DeliveryIds
  readonly #delivered = deliveredEvents()
  readonly #settlements: PulledSettlements
  readonly #settling: PulledSettling
  readonly #shredded: ShreddedEvents

  /** Throws `invalid_options`. */
  constructor(options: EventPullerOptions) {
    onlyOptions('EventPuller', options, OPTIONS)
    mustBeLog(options.storage)
    const { storage, codec = plainCodec, vault, clock = systemClock, random = Math.random } = options
    const logger = loggerOf(options.logger)
    const { maxGroups = MAX_GROUPS } = options
    this.#storage = storage
    this.#contents = new Contents({ storage, codec, partitions: 1, logger, clock })
    this.#clock = clock
    this.#shredded = new ShreddedEvents({ storage, logger, clock })
    this.#groups = new PulledGroups({ storage, clock, logger, maxGroups })
    this.#ids = new DeliveryIds(new DeliveryKeys(new Documents(storage)))
    const [groups, ids, delivered] = [this.#groups, this.#ids, this.#delivered]
    this.#settlements = new PulledSettlements({
      storage,
      vault,
      deadLetters: new DeadLetters({ storage, vault, clock })
    })
    const settlements = this.#settlements
    this.#settling = new PulledSettling({ storage, clock, random, groups, ids, delivered, settlements })
  }

  /**
   * Events that are the caller's for `leaseMs`: first those that others left, then new ones. Resolves to none when the
   * time is up. An entry that is no event goes to the dead letters, and any other is pulled as it is stored; what cannot be
   * read before its key is there stays, and `key_missing` is the answer where there is nothing else. Rejects with
   * `invalid_argument`, `unknown_event_type`, and with what the log says; and with `group_conflict` when the group is ordered
   * by key, when it is pulled with other event types or attempts, and when the log has no room for another group; and with `unsupported`
   * over a storage that cannot settle deliveries in one step.
   */
  async pull(options: PullOptions): Promise<PulledEvent[]> {
    const wanted = resolvePullOptions(options)
    mustCombine(this.#storage, 'A pulled group with dead letters', SETTLING_PARTS)
    mustHaveCome(wanted.from, this.#storage, this.#clock, 'invalid_argument')
    const group = await this.#groups.joined(wanted)
    const deadline = this.#clock.now() + wanted.waitMs
    for (;;) {
      const leftMs = Math.max(0, deadline - this.#clock.now())
      const fetched = await this.#groups.orRestored(wanted, () => this.#next(group, wanted, leftMs))
      if (wanted.signal?.aborted) {
        if (fetched.deliveries.length > 0) await group.release(wanted.consumer, fetched.deliveries)
        throw wanted.signal.reason
      }
      const pulled = await this.#handOut(group, wanted, fetched)
      if (pulled.length > 0 || this.#clock.now() >= deadline) return pulled
    }
  }

  /**
   * Marks deliveries done. Resolves to the ids of those that were not the caller's any more: nothing happened to those.
   * Rejects with `invalid_argument` for what is no delivery of the group, with `forbidden` for the delivery of another
   * principal, and with what `permit` throws; then it acknowledges none.
   */
  async acknowledge(groupName: string, deliveryIds: readonly string[], options: SettleOptions = {}): Promise<string[]> {
    onlyOptions('acknowledge()', options, SETTLE_OPTIONS)
    return this.#settling.acknowledge(groupName, deliveryIds, options)
  }

  /**
   * Says that the caller still works on deliveries: their leases begin anew. Resolves to the ids of those that were not its
   * any more. Rejects as {@link acknowledge} does.
   */
  async extend(groupName: string, deliveryIds: readonly string[], options: SettleOptions = {}): Promise<string[]> {
    onlyOptions('extend()', options, SETTLE_OPTIONS)
    return this.#settling.extend(groupName, deliveryIds, options)
  }

  /**
   * Hands deliveries back, as failures or not, or gives them up. Says which went to the dead letters, and which were not
   * the caller's any more: nothing happened to those. Rejects as {@link acknowledge} does, and then hands none back.
   */
  async nack(groupName: string, deliveryIds: readonly string[], options: NackOptions = {}): Promise<NackResult> {
    onlyOptions('nack()', options, { ...SETTLE_OPTIONS, delayMs: true, reason: true, reject: true })
    return this.#settling.nack(groupName, deliveryIds, options)
  }

  /** Deliveries that others left, and new entries when there are none. */
  async #next(group: WorkQueue, wanted: ResolvedPullOptions, leftMs: number): Promise<Fetched> {
    const { consumer, max: limit, leaseMs, signal } = wanted
    const claimed = await group.claim(consumer, { minIdleMs: leaseMs, limit })
    if (claimed.length > 0) return { deliveries: claimed, isClaimed: true }
    const waitMs = Math.min(leftMs, LOOK_AGAIN_MS)
    const read = await group.read(consumer, { limit, waitMs, ...(signal !== undefined && { signal }) })
    return { deliveries: read, isClaimed: false }
  }

  /** Keeps what the caller did not ask for, or could do nothing with, from it. */
  async #handOut(group: WorkQueue, wanted: ResolvedPullOptions, fetched: Fetched): Promise<PulledEvent[]> {
    if (fetched.deliveries.length === 0) return []
    const { consumer } = wanted
    const { maxAttempts, idOf } = await this.#agreedFor(group, wanted, fetched.deliveries)
    const deliveries = await new Decoder(this.#contents, this.#settlements.attachmentsOf(group.name)).decode(
      fetched.deliveries
    )
    if (fetched.isClaimed) reportClaimed(this.#storage, group.name, deliveries)
    const at = this.#clock.now()
    const pulled: PulledEvent[] = []
    const settlements: Settlement[] = []
    const unread: Delivery[] = []
    let waitsFor: Error | undefined
    for (const held of deliveries) {
      const { messageId, delivery } = held
      const content = held.content as Content
      const reason = whyUnread(content)
      if (reason !== undefined) {
        waitsFor = reason
        unread.push(delivery)
        continue
      }
      const settlement = this.#settlementBefore(held, content, group.name, { ...wanted, maxAttempts })
      if (settlement !== undefined) {
        settlements.push(settlement)
      } else if (content.event !== undefined) {
        const { attempt, appendedAt } = delivery
        const deliveryId = idOf({ group: group.name, consumer, messageId, attempt, at })
        this.#delivered.set(messageId, { eventType: content.event.eventType, appendedAt })
        pulled.push({ deliveryId, attempt, event: { ...content.event, messageId } })
      }
    }
    if (settlements.length > 0) await this.#settlements.settle(group.name, consumer, settlements)
    if (unread.length > 0) await group.release(consumer, unread)
    if (waitsFor !== undefined && pulled.length === 0) throw waitsFor
    return pulled
  }

  /**
   * Whether the deliveries may be delivered. The event types of the group may have changed while the pull waited: they are
   * read again before the group acknowledges the others. When they did, or when the log does not say, the deliveries are
   * handed back.
   */
  async #agreedFor(group: WorkQueue, wanted: ResolvedPullOptions, deliveries: readonly Delivery[]) {
    try {
      const [{ maxAttempts }, idOf] = await Promise.all([
        this.#groups.agreed(wanted, { isFresh: wanted.eventTypes !== null }),
        this.#ids.issuerFor(wanted.principal)
      ])
      return { maxAttempts, idOf }
    } catch (error) {
      await group.release(wanted.consumer, deliveries).catch(() => {})
      throw error
    }
  }

  /** How a delivery ends before anybody has seen it. Undefined: it is delivered. */
  #settlementBefore(
    { delivery, messageId }: Held,
    content: Content,
    group: string,
    {
      consumer,
      eventTypes,
      maxAttempts
    }: { consumer: string; eventTypes: readonly string[] | null; maxAttempts: number }
  ): Settlement | undefined {
    if (isShredded(content)) {
      this.#shredded.add(group, messageId)
      return doneOf(delivery)
    }
    const { event } = content
    if (event !== undefined && eventTypes !== null && !eventTypes.includes(event.eventType)) return doneOf(delivery)
    const now = this.#clock.now()
    const unseen = event === undefined ? poison(content.error, now) : neverFinished(delivery.attempt, maxAttempts, now)
    if (unseen === undefined) return undefined
    const about = { group, consumer, eventType: event?.eventType ?? null, note: undefined }
    const letter = letterOf(delivery, unseen.letter, about)
    return { ...doneOf(delivery), outcome: { kind: 'dead', letter } }
  }

  /** A sentence for each reason why events wait to be read: a key that is not there. */
  get missed(): readonly string[] {
    return this.#contents.missed
  }
}
