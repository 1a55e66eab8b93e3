// Generated from the schemas by ../data-types.test.ts: `npx vitest run packages/events/src/schemas -u`.
import type { JsonObject, JsonValue } from '../../json-value.ts'

/** A price, a bar or a quote of one instrument. */
export interface MarketDataUpdateData {
  /** The instrument, as the platform names it: `BTC/USDT`. */
  symbol: string
  /** The last traded price. */
  price?: number
  /** The first price of the bar. */
  open?: number
  /** The highest price of the bar. */
  high?: number
  /** The lowest price of the bar. */
  low?: number
  /** The last price of the bar. */
  close?: number
  /** What was traded, in units of the instrument. */
  volume?: number
  /** The best price to sell at. */
  bid?: number
  /** The best price to buy at. */
  ask?: number
  /** Where it trades. */
  exchange?: string | null
  /** The length of the bar: `1m`, `1h`, `1d`. */
  timeframe?: string | null
  /** When the market said so, in the form of the source. */
  timestamp?: string | number | null
}

/** What a strategy or a model would do with one instrument. */
export interface TradingSignalData {
  /** The instrument, as the platform names it: `BTC/USDT`. */
  symbol: string
  /** BUY, SELL or HOLD. */
  signal: 'BUY' | 'SELL' | 'HOLD'
  /** How sure the sender is, from 0 to 1. */
  confidence?: number
  /** The price at which the signal was raised. */
  price?: number
  /** How much to trade, in units of the instrument. */
  quantity?: number
  /** The price at which to give up. */
  stop_loss?: number
  /** The price at which to take the gain. */
  take_profit?: number
  /** The strategy that raised it. */
  strategy?: string | null
  /** The model that raised it. */
  model?: string | null
  /** The bars that it looked at. */
  timeframe?: string | null
  /** Why, for people. */
  reason?: string | null
  /** The indicators behind it, by name. */
  indicators?: JsonObject | null
}

/** An order, or a part of one, was executed. */
export interface OrderExecutedData {
  /** The instrument, as the platform names it: `BTC/USDT`. */
  symbol: string
  /** BUY or SELL. */
  side: 'BUY' | 'SELL'
  /** How much was traded, in units of the instrument. */
  quantity: number
  /** The price that was paid per unit. */
  price: number
  /** The order, as the broker names it. */
  order_id?: string | null
  /** What the broker took. */
  fee?: number
  /** `filled`, `partially_filled`, in the words of the broker. */
  status?: string | null
  /** Where it was executed. */
  exchange?: string | null
}

/** What a portfolio holds and is worth. */
export interface PortfolioUpdateData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** Cash and positions together. */
  total_value?: number
  /** What is not invested. */
  cash?: number
  /** Gain or loss since the start. */
  pnl?: number
  /** Loss since the highest value, as a fraction of it. */
  drawdown?: number
  /** What is held: an object by symbol, or a list. */
  positions?: JsonValue
}

/** A limit of risk management was passed. */
export interface RiskAlertData {
  /** The instrument, where the event concerns one. */
  symbol?: string | null
  /** What was exceeded: `drawdown`, `exposure`, `volatility`. */
  alert_type?: string | null
  /** How bad: `low`, `medium`, `high`, `critical`. */
  severity?: string | null
  /** What happened, for people. */
  message?: string | null
  /** What was measured. */
  value?: number
  /** What it should not have passed. */
  threshold?: number
}
