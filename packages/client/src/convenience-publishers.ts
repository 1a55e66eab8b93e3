import { createEvent, type Event, type EventData, EventType, isJsonObject } from '@tradpal/events'

/** A publisher for each of the service's convenience endpoints: each makes the event and publishes it as any other. */
export abstract class ConveniencePublishers {
  abstract publishEvent(event: Event): Promise<string>

  /**
   * Publishes a `market_data_update` with the data `{symbol, ...data}`. Like the next two it is published as the event that
   * the service's convenience endpoint would make, through `POST /events`: only there it has an id of its own, without
   * which another attempt could be a second event.
   */
  async publishMarketData(
    symbol: string,
    data: Omit<EventData<'market_data_update'>, 'symbol'>,
    source = 'client'
  ): Promise<string> {
    // What is no object would be spread to nothing, and a price be lost.
    const update = (isJsonObject(data) ? { symbol, ...data } : (data ?? null)) as EventData<'market_data_update'>
    return await this.publishEvent(createEvent(EventType.MARKET_DATA_UPDATE, update, { source }))
  }

  /** Publishes a `trading_signal`, as {@link ConveniencePublishers.publishMarketData} does. */
  async publishTradingSignal(signal: EventData<'trading_signal'>, source = 'client'): Promise<string> {
    return await this.publishEvent(createEvent(EventType.TRADING_SIGNAL, signal, { source }))
  }

  /** Publishes a `portfolio_update`, as {@link ConveniencePublishers.publishMarketData} does. */
  async publishPortfolioUpdate(updates: EventData<'portfolio_update'>, source = 'client'): Promise<string> {
    return await this.publishEvent(createEvent(EventType.PORTFOLIO_UPDATE, updates, { source }))
  }
}
