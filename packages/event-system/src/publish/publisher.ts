import {
  type Event,
  EventSystemError,
  type PublishReceipt,
  symbolOf,
  systemClock,
  upcastIfPossible,
  VALIDATIONS,
  type Validation
} from '@tradpal/events'
import { plainCodec } from '../codec/index.ts'
import type { AppendEntry, MessageId } from '../log/index.ts'
import { choice, duration, type Logger, loggerOf, mustBeLog } from '../runtime/index.ts'
import { Ahead } from './ahead.ts'
import { Backpressure, type BackpressureOptions } from './backpressure.ts'
import { Circuit } from './circuit.ts'
import { ConveniencePublishers } from './convenience-publishers.ts'
import { Doubts } from './doubts.ts'
import { expectationOf, withStreamKey } from './expectation.ts'
import { GroupCommit } from './group-commit.ts'
import { checkedOptions, type EventPublisherOptions, onlyPublisherOptions, type PublishOptions } from './options.ts'
import { Parcel } from './parcel.ts'
import { Preparation, type PreparedUnit } from './preparation.ts'
import { receiptsOf } from './receipt.ts'
import { type Kind, Repeats } from './repeats.ts'
import { reportPublished } from './report.ts'
import { Spool, type SpoolStats } from './spool/index.ts'
import { Collected, type PublishTransaction } from './transaction.ts'

/** A unit is one step of the log, which does nothing else meanwhile: some 5 µs an event. */
const MOST_AT_ONCE = 100_000
/** So much of the time of a publish is the spool's, in ms; of a short one half of it. */
const TO_SPOOL_MS = 50

/** How a publisher is. */
export interface PublisherState {
  /** False while most appends fail: publishes are not sent then. */
  readonly isLogTaking: boolean
  /** What waits for an answer of the log. */
  readonly inFlight: { readonly events: number; readonly bytes: number }
  /** Undefined without a spool. */
  readonly spool?: SpoolStats
}

/**
 * Appends events to a log. Safe to call from anywhere at once: concurrent publishes share their round trips and keep their
 * order. What fails and may succeed later is tried again until the caller's time is up, and then goes into the spool,
 * where there is one.
 */
export class EventPublisher extends ConveniencePublishers {
  readonly #options: Required<Omit<EventPublisherOptions, 'spool' | keyof BackpressureOptions>> & {
    readonly logger: Logger
  }
  readonly #circuit: Circuit
  readonly #spool: Spool | undefined
  readonly #commit: GroupCommit
  readonly #backpressure: Backpressure
  readonly #doubts: Doubts
  readonly #repeats: Repeats
  readonly #ahead: Ahead
  readonly #preparation: Preparation
  #closed = false

  /** Throws `invalid_options`. */
  constructor(given: EventPublisherOptions) {
    super()
    onlyPublisherOptions(given)
    mustBeLog(given.storage)
    const { spool, maxInFlight = 100_000, maxInFlightBytes = 64 * 1024 * 1024, whenFull = 'wait', ...options } = given
    const all = {
      codec: plainCodec,
      validation: 'strict' as const,
      timeoutMs: 5_000,
      defaultSource: 'event_system',
      key: symbolOf,
      deduplicationWindowMs: 120_000,
      clock: systemClock,
      random: Math.random,
      ...options,
      logger: loggerOf(options.logger)
    }
    duration('timeoutMs', all.timeoutMs, 1)
    choice('validation', all.validation, VALIDATIONS)
    this.#options = all
    this.#circuit = new Circuit(all.logger, all.clock)
    this.#spool = spool && new Spool({ ...all, ...spool, circuit: this.#circuit })
    this.#commit = new GroupCommit({ ...all, circuit: this.#circuit, spool: this.#spool })
    this.#ahead = new Ahead(all)
    this.#preparation = new Preparation(all.codec, all.validation)
    this.#repeats = new Repeats(all)
    this.#doubts = new Doubts(all.deduplicationWindowMs, all.clock)
    this.#backpressure = new Backpressure({ maxInFlight, maxInFlightBytes, whenFull }, all.clock)
  }

  protected override get defaultSource(): string {
    return this.#options.defaultSource
  }

  /** How the data of events are checked. */
  get validation(): Validation {
    return this.#options.validation
  }

  /** Opens the spool, where there is one, and begins to bring into the log what waits there. Without one it need not be called. */
  async start(): Promise<void> {
    await this.#spool?.start()
  }

  /**
   * Publishes one event and resolves to its message id, or to the first one's when the event id was published before
   * inside the deduplication window; of an event that went into the spool to its id there ({@link PublishReceipt}).
   * Rejects, with nothing written, with `invalid_event`, `invalid_data`, `unknown_event_type`, `not_representable` or
   * `payload_too_large` for what cannot be published, with `shredded` for what belongs to a customer whose key was destroyed, with `log_unavailable` and its kin when the log cannot take it, `spool_full` when the spool
   * cannot either, and `publisher_busy`; with `event_id_conflict` when the event id was published before with another type or other
   * data; with `log_timeout` whether it was written is unknown, and publishing the same event again is safe.
   */
  async publishEvent(event: Event): Promise<MessageId> {
    this.#mustBeOpen()
    const [receipt] = await this.#publishTogether('one', this.#preparation.one(event), NO_OPTIONS)
    return (receipt as PublishReceipt).messageId
  }

  /** As {@link publishEvent}, with the whole receipt. */
  async publish(event: Event, options: PublishOptions = NO_OPTIONS): Promise<PublishReceipt> {
    this.#mustBeOpen()
    const [receipt] = await this.#publishTogether('one', this.#preparation.one(event), options)
    return receipt as PublishReceipt
  }

  /**
   * Publishes events as one unit, in order: all of them or none. Resolves to their message ids in the same order. What
   * is refused names its place: the error's `index`. More than 100,000 are refused with `payload_too_large`. Rejects with an
   * {@link EventIdConflictError} when event ids were published before with another type or other data: its `conflicts` names
   * these events, which are not written, and every other event of the batch is in the log.
   */
  async publishBatch(events: readonly Event[], options: PublishOptions = NO_OPTIONS): Promise<MessageId[]> {
    return (await this.publishAll(events, options)).map(({ messageId }) => messageId)
  }

  /** As {@link publishBatch}, with the whole receipts: all of them have the same status. */
  async publishAll(events: readonly Event[], options: PublishOptions = NO_OPTIONS): Promise<PublishReceipt[]> {
    this.#mustBeOpen()
    return this.#publishTogether('batch', this.#preparation.batch(events), options)
  }

  /**
   * Rejects with what {@link publishBatch} would reject with because of the events themselves: their parts, their data, their
   * size, a destroyed key. The error's `index` names the first wrong one. Appends nothing; of a subject that is new it makes the key.
   */
  async check(events: readonly Event[]): Promise<void> {
    this.#mustBeOpen()
    await this.#preparation.batch(events)
  }

  /**
   * Runs `work`, collects what it publishes, and publishes that as one unit when it is done: all or none, in order.
   * Resolves to the receipts. When the work throws, nothing is published, and it rejects with what was thrown. An event whose id
   * was published before is a duplicate, whatever it says: what says something else is dropped with a warning in the log.
   */
  async transaction(
    work: (transaction: PublishTransaction) => unknown,
    options: PublishOptions = NO_OPTIONS
  ): Promise<PublishReceipt[]> {
    if (typeof work !== 'function') {
      throw new EventSystemError('invalid_argument', `A transaction takes a function, got ${typeof work}.`)
    }
    const collected = new Collected((event) => {
      this.#mustBeOpen()
      return this.#preparation.collected(event)
    })
    try {
      await work(collected)
    } finally {
      collected.end()
    }
    return this.#publishTogether('transaction', this.#preparation.whole(collected.events, collected.entries), options)
  }

  async #publishTogether(
    kind: Kind,
    prepared: PreparedUnit | Promise<PreparedUnit>,
    options: PublishOptions
  ): Promise<PublishReceipt[]> {
    const started = performance.now()
    const { events, entries } = prepared instanceof Promise ? await prepared : prepared
    if (entries.length === 0) return []
    if (entries.length > MOST_AT_ONCE) throw tooMany(entries.length)
    const { timeoutMs = this.#options.timeoutMs, whenFull } = checkedOptions(options)
    const parcel = this.#parcelOf(events, entries, options, timeoutMs)
    const entering = this.#backpressure.enter(parcel, timeoutMs, whenFull)
    if (entering !== undefined) await entering
    try {
      this.#commit.offer(parcel)
      const outcome = await parcel.outcome
      const receipts = receiptsOf(entries, outcome)
      if (outcome.kind === 'appended') {
        reportPublished(this.#options.storage, entries, outcome, started)
        if (receipts.some(({ duplicate }) => duplicate)) await this.#repeats.look(kind, parcel, outcome, receipts)
      }
      return this.#flagged(events, receipts)
    } catch (error) {
      this.#doubts.remember(parcel)
      throw error
    } finally {
      this.#backpressure.leave(parcel)
    }
  }

  /** Resolves when there is room for a publish: see {@link BackpressureOptions}. */
  ready(): Promise<void> {
    return this.#backpressure.ready()
  }

  async state(): Promise<PublisherState> {
    const spool = await this.#spool?.stats()
    const { inFlight } = this.#backpressure
    return { isLogTaking: this.#circuit.isClosed, inFlight, ...(spool === undefined ? {} : { spool }) }
  }

  #parcelOf(
    events: readonly Event[],
    entries: readonly AppendEntry[],
    options: PublishOptions,
    timeoutMs: number
  ): Parcel {
    const { spool = 'allowed', streamKey } = options
    const maySpool = spool === 'allowed' && streamKey === undefined && this.#spool !== undefined
    const offeredAt = this.#options.clock.now()
    return new Parcel({
      entries: withStreamKey(entries, options),
      keys: this.#keysOf(events),
      offeredAt,
      deadline: offeredAt + timeoutMs - (maySpool ? Math.min(TO_SPOOL_MS, timeoutMs / 2) : 0),
      maySpool,
      expected: expectationOf(options),
      unknown: this.#doubts.of(entries)
    })
  }

  /** Says of those that are ahead of the clock that they are. */
  #flagged(events: readonly Event[], receipts: PublishReceipt[]): PublishReceipt[] {
    if (!events.some((event) => this.#ahead.holds(event))) return receipts
    const ahead = new Set(events.filter((event) => this.#ahead.holds(event)))
    this.#ahead.tell([...ahead])
    const flag = { timestampAhead: true } as const
    return receipts.map((receipt, i) => (ahead.has(events[i] as Event) ? { ...receipt, ...flag } : receipt))
  }

  /** Only the spool asks for them. */
  #keysOf(events: readonly Event[]): readonly string[] {
    if (this.#spool === undefined) return NO_KEYS
    return [
      ...new Set(events.map((event) => this.#options.key(upcastIfPossible(event))).filter((key) => key !== undefined))
    ]
  }

  /** Refuses further publishes with `closed`, and resolves when those under way are answered and the spool is closed: what is in it stays there for the next start. Idempotent. The log stays open. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#preparation.idle()
    await this.#commit.drain()
    await this.#repeats.idle()
    await this.#spool?.close()
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new EventSystemError('closed', 'The publisher is closed; publish before close().')
  }
}

const NO_KEYS: readonly string[] = []
const NO_OPTIONS: PublishOptions = {}
function tooMany(count: number): EventSystemError {
  const message = `At most ${MOST_AT_ONCE} events are published as one unit, got ${count}; publish them in parts. Nothing was written.`
  return new EventSystemError('payload_too_large', message)
}
