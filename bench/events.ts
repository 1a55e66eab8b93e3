import { randomUUID } from 'node:crypto'
import { createEvent, type Event, EventType } from '@tradpal/event-system'

const SYMBOLS = ['BTC/USDT', 'ETH/USDT', 'SOL/USDT', 'AAPL', 'MSFT', 'TSLA', 'EUR/USD', 'XAU/USD']

/** A market data update as the platform sends it: about 300 bytes on the wire. */
export function marketData(i: number): Event {
  return createEvent(
    EventType.MARKET_DATA_UPDATE,
    {
      symbol: SYMBOLS[i % SYMBOLS.length] as string,
      price: 45_000 + (i % 1_000) / 8,
      bid: 44_999.5,
      ask: 45_000.5,
      volume: 100 + (i % 50),
      exchange: 'binance'
    },
    { source: 'bench' }
  )
}

export function marketDataBatch(count: number): Event[] {
  return Array.from({ length: count }, (_, i) => marketData(i))
}

/** Who makes the event ids: `createEvent`, or somebody else, as random UUIDs (version 4), which share nothing with each other. */
export type Ids = 'own' | 'random'

export function eventsWith(ids: Ids, count: number): Event[] {
  const events = marketDataBatch(count)
  return ids === 'own' ? events : events.map((event) => ({ ...event, eventId: randomUUID() }))
}
