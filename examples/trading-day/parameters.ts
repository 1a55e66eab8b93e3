/** What the services and the independent reference agree on, and nothing else that they share. */

/** In dollars. */
export const STARTING_CASH = 100_000
/** A BUY spends this part of the cash at hand. */
export const CASH_FRACTION = 0.2
/** Of the value of each order, for the broker. */
export const COMMISSION_RATE = 0.001
/** An alert is raised when equity stands further than this below its highest close. */
export const DRAWDOWN_LIMIT = 0.1

/** The lengths of the two moving averages, in prices. */
export interface Averages {
  readonly fast: number
  readonly slow: number
}

/** The stocks have one price a month, the index one a day. */
export const averagesOf = (symbol: string): Averages =>
  symbol === 'SP500' ? { fast: 10, slow: 30 } : { fast: 3, slow: 8 }
