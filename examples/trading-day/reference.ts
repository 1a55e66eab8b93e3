/**
 * The same strategy computed straight from the price files, in columns and without events: what the platform must come to.
 * It shares the parameters with the services and nothing else.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { averagesOf, CASH_FRACTION, COMMISSION_RATE, DRAWDOWN_LIMIT, STARTING_CASH } from './parameters.ts'

export interface Quote {
  readonly symbol: string
  readonly date: string
  readonly cents: number
}

type Side = 'BUY' | 'SELL'

/** The quotes of the chosen symbols, by date and then by symbol; those of the first `days` dates. */
export function loadQuotes(symbols: readonly string[], days?: number): Quote[] {
  const folder = `${dirname(createRequire(import.meta.url).resolve('vega-datasets'))}/../data`
  const text = (name: string) => readFileSync(`${folder}/${name}`, 'utf8')
  const quotes: Quote[] = []
  for (const [, symbol, month, year, price] of text('stocks.csv').matchAll(
    /^([A-Z]+),(\w{3}) 1 (\d{4}),([\d.]+)\r?$/gm
  )) {
    const number = 1 + 'JanFebMarAprMayJunJulAugSepOctNovDec'.indexOf(month as string) / 3
    quotes.push({
      symbol: symbol as string,
      date: `${year}-${String(number).padStart(2, '0')}-01`,
      cents: Math.round(+(price as string) * 100)
    })
  }
  for (const [, date, close] of text('sp500-2000.csv').matchAll(
    /^(\d{4}-\d\d-\d\d),[\d.]+,[\d.]+,[\d.]+,([\d.]+),/gm
  )) {
    quotes.push({ symbol: 'SP500', date: date as string, cents: Math.round(+(close as string) * 100) })
  }
  const chosen = quotes.filter((quote) => symbols.includes(quote.symbol))
  chosen.sort((a, b) => a.date.localeCompare(b.date) || a.symbol.localeCompare(b.symbol))
  const dates = [...new Set(chosen.map((quote) => quote.date))].slice(0, days)
  return chosen.filter((quote) => quote.date <= (dates.at(-1) ?? ''))
}

/**
 * At which indexes of a series of prices to buy and to sell: where the sign of fast minus slow average turns, not counting
 * where they are equal, from the first turn upward on. Sums are running totals, compared as whole numbers.
 */
export function crossings(series: readonly number[], fast: number, slow: number): Map<number, Side> {
  const totals = [0]
  for (const value of series) totals.push((totals.at(-1) as number) + value)
  const sumOfLast = (n: number, end: number) => (totals[end] as number) - (totals[end - n] as number)
  const signs: { index: number; sign: number }[] = []
  for (let end = slow; end <= series.length; end++) {
    const sign = Math.sign(sumOfLast(fast, end) * slow - sumOfLast(slow, end) * fast)
    if (sign !== 0) signs.push({ index: end - 1, sign })
  }
  const turns = signs.filter(({ sign }, i) => i > 0 && sign !== signs[i - 1]?.sign)
  const traded = turns[0]?.sign === -1 ? turns.slice(1) : turns
  return new Map(traded.map(({ index, sign }) => [index, sign > 0 ? 'BUY' : 'SELL']))
}

/** The figures that a run over these quotes must end with, all its orders and alerts included. */
export function referenceFigures(quotes: readonly Quote[]) {
  const decisions = new Map<string, Side>()
  for (const [symbol, series] of Map.groupBy(quotes, (quote) => quote.symbol)) {
    const { fast, slow } = averagesOf(symbol)
    const prices = series.map((quote) => quote.cents)
    for (const [index, side] of crossings(prices, fast, slow)) decisions.set(`${symbol} ${series[index]?.date}`, side)
  }

  let cash = STARTING_CASH * 100
  let highest = cash
  let alarmed = false
  const held: Record<string, number> = {}
  const latest: Record<string, number> = {}
  const orders: { symbol: string; date: string; side: Side; quantity: number; price: number; commission: number }[] = []
  const alerts: { date: string; drawdown: number }[] = []
  const worth = () => Object.keys(held).reduce((sum, symbol) => sum + (held[symbol] ?? 0) * (latest[symbol] ?? 0), cash)

  for (const [date, ofDate] of Map.groupBy(quotes, (quote) => quote.date)) {
    for (const { symbol, cents } of ofDate) {
      latest[symbol] = cents
      const side = decisions.get(`${symbol} ${date}`)
      if (side === undefined) continue
      const quantity = side === 'SELL' ? (held[symbol] ?? 0) : Math.max(1, Math.floor((cash * CASH_FRACTION) / cents))
      const fee = Math.round(quantity * cents * COMMISSION_RATE)
      held[symbol] = side === 'SELL' ? 0 : (held[symbol] ?? 0) + quantity
      cash += (side === 'SELL' ? 1 : -1) * quantity * cents - fee
      orders.push({ symbol, date, side, quantity, price: cents / 100, commission: fee / 100 })
    }
    const close = worth()
    if (close >= highest) [highest, alarmed] = [close, false]
    const drawdown = (highest - close) / highest
    if (!alarmed && drawdown > DRAWDOWN_LIMIT) {
      alarmed = true
      alerts.push({ date, drawdown })
    }
  }

  const [buys, sells] = (['BUY', 'SELL'] as const).map((side) => orders.filter((order) => order.side === side).length)
  const counts = {
    market_data_update: quotes.length,
    order_executed: orders.length,
    portfolio_update: quotes.length + orders.length,
    risk_alert: alerts.length,
    trading_signal: quotes.length
  }
  return {
    cash: cash / 100,
    equity: worth() / 100,
    positions: Object.fromEntries(Object.entries(held).filter(([, shares]) => shares > 0)),
    signals: { BUY: buys, SELL: sells, HOLD: quotes.length - orders.length },
    orders,
    alerts,
    eventsByType: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  }
}
