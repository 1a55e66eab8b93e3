import { createEvent, type Event, type EventData, EventSystemError, EventType, type JsonObject } from '@tradpal/events'
import { type EventCodec, entryOf, plainCodec } from '../codec/index.ts'
import type { AppendEntry, AppendResult, EventLog, MessageId } from '../log/index.ts'
import { diagnostics, type PublishedMessage } from '../runtime/index.ts'
import { GroupCommit } from './group-commit.ts'

export interface EventPublisherOptions {
  /** A started log. The publisher does not close it. */
  readonly log: EventLog
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  /** How long a publish waits for the log, in ms. Default 5,000. */
  readonly timeoutMs?: number
  /** The source of the convenience publishers when the caller names none. Default `event_system`. */
  readonly defaultSource?: string
}

export interface PublishOptions {
  /** How long this publish waits for the log, in ms. Default: the publisher's. */
  readonly timeoutMs?: number
}

/** What became of a publish. */
export interface PublishReceipt {
  readonly messageId: MessageId
  readonly eventId: string
  /** True when this event id was published before, inside the deduplication window: the message id is the first one's. */
  readonly duplicate: boolean
}

/** Appends events to a log. Safe to call from anywhere at once: concurrent publishes share their round trips and keep their order. */
export class EventPublisher {
  readonly #log: EventLog
  readonly #codec: EventCodec
  readonly #commit: GroupCommit
  readonly #defaultSource: string
  #closed = false

  constructor(options: EventPublisherOptions) {
    this.#log = options.log
    this.#codec = options.codec ?? plainCodec
    this.#defaultSource = options.defaultSource ?? 'event_system'
    this.#commit = new GroupCommit(options.log, options.timeoutMs ?? 5_000)
  }

  /**
   * Publishes one event and resolves to its message id, or to the first one's when the event id was published before
   * inside the deduplication window. Rejects, with nothing written, with `invalid_event`, `invalid_data`,
   * `unknown_event_type` or `not_representable` for what cannot be published and `log_unavailable` and its kin when the
   * log cannot take it; with `log_timeout` whether it was written is unknown, and publishing the same event again is safe.
   */
  async publishEvent(event: Event): Promise<MessageId> {
    return (await this.publish(event)).messageId
  }

  /** As {@link publishEvent}, with the whole receipt. */
  async publish(event: Event): Promise<PublishReceipt> {
    const started = performance.now()
    const entry = this.#prepare(event)
    const result = await this.#commit.append(entry)
    if (diagnostics.published.hasSubscribers) this.#report([entry], [result], started)
    return { messageId: result.messageId, eventId: entry.eventId, duplicate: result.duplicate }
  }

  /**
   * Publishes events as one unit, in order: all of them or none. Resolves to their message ids in the same order. What
   * is refused names its place: the error's `index`.
   */
  async publishBatch(events: readonly Event[], options: PublishOptions = {}): Promise<MessageId[]> {
    const started = performance.now()
    const entries = events.map((event, index) => this.#prepareAt(event, index))
    if (entries.length === 0) return []
    const results = await this.#commit.appendTogether(entries, options.timeoutMs)
    if (diagnostics.published.hasSubscribers) this.#report(entries, results, started)
    return results.map(({ messageId }) => messageId)
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

  /** Refuses further publishes with `closed` and resolves when those under way are answered. Idempotent. The log stays open. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#commit.drain()
  }

  #publishNew(type: string, data: JsonObject, source = this.#defaultSource): Promise<MessageId> {
    return this.publishEvent(createEvent(type, data, { source }))
  }

  #prepare(event: Event): AppendEntry {
    if (this.#closed) throw new EventSystemError('closed', 'The publisher is closed; publish before close().')
    return entryOf(event, this.#codec)
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

  #report(entries: readonly AppendEntry[], results: readonly AppendResult[], started: number): void {
    const byType = new Map<string, number>()
    let duplicates = 0
    results.forEach((result, i) => {
      const type = (entries[i] as AppendEntry).eventType
      if (result.duplicate) duplicates++
      else byType.set(type, (byType.get(type) ?? 0) + 1)
    })
    const durationMs = performance.now() - started
    diagnostics.published.publish({ log: this.#log, byType, duplicates, durationMs } satisfies PublishedMessage)
  }
}
