import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createEvent, type Event, EventType } from '@tradpal/event-system'
import './fields.ts'

/** The stocks of stocks.csv, monthly, 2000 to 2010. */
export const STOCKS = ['AAPL', 'AMZN', 'GOOG', 'IBM', 'MSFT'] as const
/** Those, and the S&P 500 of sp500-2000.csv, daily, 2000 to 2020. */
export const SYMBOLS: readonly string[] = [...STOCKS, 'SP500']

interface Price {
  readonly symbol: string
  /** `2000-01-31` */
  readonly date: string
  readonly price: number
}

/** The prices of one trading date, as they are published: together. */
export type TradingDate = readonly Event<typeof EventType.MARKET_DATA_UPDATE>[]

/** Every trading date on which one of the symbols has a price, in order; the first `days` of them. */
export async function readTradingDates(
  symbols: readonly string[],
  days = Number.POSITIVE_INFINITY
): Promise<TradingDate[]> {
  const prices = [...(await readStocks()), ...(symbols.includes('SP500') ? await readIndex() : [])]
  const dates = new Map<string, Price[]>()
  for (const price of prices.filter(({ symbol }) => symbols.includes(symbol))) {
    dates.set(price.date, [...(dates.get(price.date) ?? []), price])
  }
  return [...dates.keys()]
    .sort()
    .slice(0, days)
    .map((date) => toEvents(dates.get(date) ?? []))
}

/** The id names the price, so that publishing it again never makes a second event of it. */
function toEvents(prices: readonly Price[]): TradingDate {
  const inOrder = prices.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))
  return inOrder.map(({ symbol, date, price }, index) =>
    createEvent(
      EventType.MARKET_DATA_UPDATE,
      { symbol, price, last_of_date: index === inOrder.length - 1 },
      { source: 'exchange', eventId: `${symbol}@${date}`, timestamp: `${date}T00:00:00.000+00:00` }
    )
  )
}

async function readStocks(): Promise<Price[]> {
  const rows = await readRows('stocks.csv')
  return rows.map(([symbol = '', date = '', price]) => ({ symbol, date: isoDate(date), price: Number(price) }))
}

async function readIndex(): Promise<Price[]> {
  const rows = await readRows('sp500-2000.csv')
  return rows.map(([date = '', , , , close]) => ({
    symbol: 'SP500',
    date,
    price: Math.round(Number(close) * 100) / 100
  }))
}

async function readRows(file: string): Promise<string[][]> {
  const path = join(createRequire(import.meta.url).resolve('vega-datasets'), '../../data', file)
  const [, ...lines] = (await readFile(path, 'utf8')).trim().split(/\r?\n/)
  return lines.map((line) => line.split(','))
}

/** From `Jan 1 2000`. */
function isoDate(text: string): string {
  return new Date(`${text} UTC`).toISOString().slice(0, 10)
}
