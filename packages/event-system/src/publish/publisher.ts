import {
  type Clock,
  createEvent,
  type Event,
  type EventData,
  EventSystemError,
  EventType,
  type JsonObject,
  symbolOf,
  systemClock
} from '@tradpal/events'
import { type EventCodec, entryOf, plainCodec } from '../codec/index.ts'
import type { AppendEntry, EventLog, MessageId } from '../log/index.ts'
import { type Logger, silentLogger } from '../runtime/index.ts'
import { Backpressure, type BackpressureOptions } from './backpressure.ts'
import { Circuit } from './circuit.ts'
import { Doubts } from './doubts.ts'
import { GroupCommit } from './group-commit.ts'
import type { Outcome, Parcel } from './parcel.ts'
import { type PublishReceipt, spooledReceipt } from './receipt.ts'
import { reportPublished } from './report.ts'
import { Spool, type SpoolStats } from './spool/index.ts'

export interface EventPublisherOptions extends Partial<BackpressureOptions> {
  /** A started log. The publisher does not close it. */
  readonly log: EventLog
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  /** How long a publish may take, its retries included, in ms. Default 5,000. */
  readonly timeoutMs?: number
  /** The source of the convenience publishers when the caller names none. Default `event_system`. */
  readonly defaultSource?: string
  /** What an event must stay in order with while some wait in the spool. Default: the symbol of its data. */
  readonly key?: (event: Event) => string | undefined
  /** The log's own, in ms: what may be in the log is not sent again after it. Default 120,000. */
  readonly deduplicationWindowMs?: number
  /** Where events go that the log does not take in time. Default: nowhere, their publishes reject. */
  readonly spool?: SpoolOptions
  readonly logger?: Logger
  readonly clock?: Clock
  /** Spreads the retries. Default Math.random. */
  readonly random?: () => number
}

export interface SpoolOptions {
  /** An embedded log of its own, not started: the publisher starts and closes it. */
  readonly store: EventLog
  /** Of the payloads, in characters: beyond it publishes reject with `spool_full`. */
  readonly maxBytes: number
}

export interface PublishOptions {
  /** How long this publish may take, its retries included, in ms. Default: the publisher's. */
  readonly timeoutMs?: number
  /** Whether the spool will do, where there is one: `never` rejects with `log_unavailable` instead. Default `allowed`. */
  readonly spool?: 'allowed' | 'never'
}

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
export class EventPublisher {
  readonly #options: Required<Omit<EventPublisherOptions, 'spool' | keyof BackpressureOptions>>
  readonly #circuit: Circuit
  readonly #spool: Spool | undefined
  readonly #commit: GroupCommit
  readonly #backpressure: Backpressure
  readonly #doubts: Doubts
  #closed = false

  /** Throws `invalid_options`. */
  constructor(given: EventPublisherOptions) {
    const { spool, maxInFlight = 100_000, maxInFlightBytes = 64 * 1024 * 1024, whenFull = 'wait', ...options } = given
    const all = {
      codec: plainCodec,
      timeoutMs: 5_000,
      defaultSource: 'event_system',
      key: symbolOf,
      deduplicationWindowMs: 120_000,
      logger: silentLogger,
      clock: systemClock,
      random: Math.random,
      ...options
    }
    this.#options = all
    this.#circuit = new Circuit(all.logger)
    this.#spool = spool && new Spool({ ...all, ...spool, circuit: this.#circuit })
    this.#commit = new GroupCommit({ ...all, circuit: this.#circuit, spool: this.#spool })
    this.#doubts = new Doubts(all.deduplicationWindowMs, all.clock)
    this.#backpressure = new Backpressure({ maxInFlight, maxInFlightBytes, whenFull }, all.clock)
  }

  /** Opens the spool, where there is one, and begins to bring into the log what waits there. Without one it need not be called. */
  async start(): Promise<void> {
    await this.#spool?.start()
  }

  /**
   * Publishes one event and resolves to its message id, or to the first one's when the event id was published before
   * inside the deduplication window; of an event that went into the spool to its id there ({@link PublishReceipt}).
   * Rejects, with nothing written, with `invalid_event`, `invalid_data`, `unknown_event_type` or `not_representable` for
   * what cannot be published, with `log_unavailable` and its kin when the log cannot take it, `spool_full` when the spool
   * cannot either, and `publisher_busy`; with `log_timeout` whether it was written is unknown, and publishing the same event
   * again is safe.
   */
  async publishEvent(event: Event): Promise<MessageId> {
    return (await this.publish(event)).messageId
  }

  /** As {@link publishEvent}, with the whole receipt. */
  async publish(event: Event, options: PublishOptions = {}): Promise<PublishReceipt> {
    const started = performance.now()
    const entry = this.#prepare(event)
    const outcome = await this.#offer([entry], this.#keysOf([event]), options)
    if (outcome.kind === 'spooled') return spooledReceipt(outcome, entry)
    const { messageId, duplicate } = outcome.results[0] as { messageId: MessageId; duplicate: boolean }
    reportPublished(this.#options.log, [entry], outcome.results, started)
    return { status: 'published', messageId, eventId: entry.eventId, duplicate }
  }

  /**
   * Publishes events as one unit, in order: all of them or none. Resolves to their message ids in the same order. What
   * is refused names its place: the error's `index`.
   */
  async publishBatch(events: readonly Event[], options: PublishOptions = {}): Promise<MessageId[]> {
    return (await this.publishAll(events, options)).map(({ messageId }) => messageId)
  }

  /** As {@link publishBatch}, with the whole receipts: all of them have the same status. */
  async publishAll(events: readonly Event[], options: PublishOptions = {}): Promise<PublishReceipt[]> {
    const started = performance.now()
    const entries = events.map((event, index) => this.#prepareAt(event, index))
    if (entries.length === 0) return []
    const outcome = await this.#offer(entries, this.#keysOf(events), options)
    if (outcome.kind === 'spooled') return entries.map((entry) => spooledReceipt(outcome, entry))
    reportPublished(this.#options.log, entries, outcome.results, started)
    return outcome.results.map(({ messageId, duplicate }, i) => {
      const { eventId } = entries[i] as AppendEntry
      return { status: 'published' as const, messageId, eventId, duplicate }
    })
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

  async #offer(entries: readonly AppendEntry[], keys: readonly string[], options: PublishOptions): Promise<Outcome> {
    const { clock, timeoutMs: usualMs } = this.#options
    const { timeoutMs = usualMs, spool = 'allowed' } = options
    const deadline = clock.now() + timeoutMs
    const load = { events: entries.length, bytes: entries.reduce((sum, { payload }) => sum + payload.length, 0) }
    const entering = this.#backpressure.enter(load, timeoutMs)
    if (entering !== undefined) await entering
    try {
      return await new Promise<Outcome>((resolve, reject) => {
        const parcel: Parcel = {
          entries,
          keys,
          bytes: load.bytes,
          deadline,
          maySpool: spool === 'allowed',
          unknown: this.#doubts.of(entries),
          resolve,
          reject: (error) => {
            this.#doubts.remember(parcel)
            reject(error)
          }
        }
        this.#commit.offer(parcel)
      })
    } finally {
      this.#backpressure.leave(load)
    }
  }

  /** Only the spool asks for them. */
  #keysOf(events: readonly Event[]): readonly string[] {
    if (this.#spool === undefined) return NO_KEYS
    return [...new Set(events.map((event) => this.#options.key(event)).filter((key) => key !== undefined))]
  }

  /** Prices of a symbol: a `market_data_update` whose data is `{symbol, …data}`. */
  publishMarketData(symbol: string, data: JsonObject, source?: string): Promise<MessageId> {
    return this.#publishNew(EventType.MARKET_DATA_UPDATE, { symbol, ...data }, source)
  }

  /** A `trading_signal` whose data is the signal. */
  publishTradingSignal(signal: EventData<'trading_signal'>, source?: string): Promise<MessageId> {
    return this.#publishNew(EventType.TRADING_SIGNAL, signal, source)
  }

  /** A `portfolio_update` whose data is the updates. */
  publishPortfolioUpdate(updates: EventData<'portfolio_update'>, source?: string): Promise<MessageId> {
    return this.#publishNew(EventType.PORTFOLIO_UPDATE, updates, source)
  }

  /** An update of a model, from training or reinforcement learning. */
  publishModelUpdate(
    type: typeof EventType.ML_MODEL_UPDATE | typeof EventType.RL_MODEL_UPDATE,
    update: EventData<typeof type>,
    source?: string
  ): Promise<MessageId> {
    return this.#publishNew(type, update, source)
  }

  /** Something from outside the market: alternative, sentiment, on-chain or economic data. */
  publishAlternativeData(
    type:
      | typeof EventType.ALTERNATIVE_DATA_UPDATE
      | typeof EventType.SENTIMENT_DATA_UPDATE
      | typeof EventType.ONCHAIN_DATA_UPDATE
      | typeof EventType.ECONOMIC_DATA_UPDATE,
    update: EventData<typeof type>,
    source?: string
  ): Promise<MessageId> {
    return this.#publishNew(type, update, source)
  }

  /** A job for the backtesters: of one symbol, of several, or an optimisation. */
  publishBacktestRequest(
    type:
      | typeof EventType.BACKTEST_REQUEST
      | typeof EventType.MULTI_SYMBOL_BACKTEST_REQUEST
      | typeof EventType.STRATEGY_OPTIMIZATION_REQUEST,
    request: EventData<typeof type>,
    source?: string
  ): Promise<MessageId> {
    return this.#publishNew(type, request, source)
  }

  /** How a service is, or what the market has become. */
  publishSystemEvent(
    type: typeof EventType.SYSTEM_HEALTH | typeof EventType.MARKET_REGIME_CHANGE,
    state: EventData<typeof type>,
    source?: string
  ): Promise<MessageId> {
    return this.#publishNew(type, state, source)
  }

  /** Refuses further publishes with `closed`, and resolves when those under way are answered and the spool is closed: what is in it stays there for the next start. Idempotent. The log stays open. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#commit.drain()
    await this.#spool?.close()
  }

  #publishNew(type: string, data: JsonObject, source = this.#options.defaultSource): Promise<MessageId> {
    return this.publishEvent(createEvent(type, data, { source }))
  }

  #prepare(event: Event): AppendEntry {
    if (this.#closed) throw new EventSystemError('closed', 'The publisher is closed; publish before close().')
    return entryOf(event, this.#options.codec)
  }

  #prepareAt(event: Event, index: number): AppendEntry {
    try {
      return this.#prepare(event)
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      const { code, message, cause, pointer } = error
      throw new EventSystemError(code, `Event ${index} of the batch: ${message}`, {
        cause,
        index,
        ...(pointer === undefined ? {} : { pointer: `/${index}${pointer}` })
      })
    }
  }
}

const NO_KEYS: readonly string[] = []
