import { createEvent, type Event, type EventData, EventType, isJsonObject, type JsonObject } from '@tradpal/events'
import type { MessageId } from '../log/index.ts'

/** A publisher for each group of types: each makes the event and publishes it as any other. */
export abstract class ConveniencePublishers {
  /** The source when the caller names none. */
  protected abstract readonly defaultSource: string

  abstract publishEvent(event: Event): Promise<MessageId>

  /** Prices of a symbol: a `market_data_update` whose data is `{symbol, …data}`. */
  publishMarketData(
    symbol: string,
    data: Omit<EventData<'market_data_update'>, 'symbol'>,
    source?: string
  ): Promise<MessageId> {
    // What is no object would be spread to nothing, and a price be lost.
    const update = isJsonObject(data) ? { symbol, ...data } : (data ?? null)
    return this.#publishNew(EventType.MARKET_DATA_UPDATE, update, source)
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

  async #publishNew(type: string, data: JsonObject, source = this.defaultSource): Promise<MessageId> {
    return this.publishEvent(createEvent(type, data, { source }))
  }
}
