import { clearUnitOf } from './times.ts'

/** The layout of files that a well-known source publishes. */
export interface Preset {
  /** What the files are, for the help. */
  readonly description: string
  /** The names of the columns of a file without a header; undefined where the files have one. */
  readonly columns?: readonly string[]
  /** Field to column, or to the names that the column has in one file or another. */
  readonly map: Readonly<Record<string, string | readonly string[]>>
  /** Columns that a file may lack. */
  readonly optional?: readonly string[]
  /** Cells that stand for no value, beside the empty one. */
  readonly empty?: readonly string[]
  /** Whether the first rows are certainly of this layout. */
  fits(rows: readonly (readonly string[])[]): boolean
}

const BINANCE = [
  ...['open_time', 'open', 'high', 'low', 'close', 'volume', 'close_time', 'quote_volume', 'count'],
  ...['taker_buy_volume', 'taker_buy_quote_volume', 'ignore']
]
const KRAKEN = ['time', 'open', 'high', 'low', 'close', 'volume', 'trades']
const BAR = { open: 'open', high: 'high', low: 'low', close: 'close', price: 'close', volume: 'volume' }
const YAHOO_BAR = { open: 'Open', high: 'High', low: 'Low', close: 'Close', price: 'Close', volume: 'Volume' }
const YAHOO_OPTIONAL = {
  adj_close: 'Adj Close',
  dividends: 'Dividends',
  stock_splits: 'Stock Splits',
  capital_gains: 'Capital Gains'
}

export const PRESETS = {
  binance: {
    description: 'klines of data.binance.vision: 12 columns',
    columns: BINANCE,
    map: {
      ...{ timestamp: 'open_time', ...BAR, close_time: 'close_time', quote_volume: 'quote_volume', trades: 'count' },
      ...{ taker_buy_volume: 'taker_buy_volume', taker_buy_quote_volume: 'taker_buy_quote_volume' }
    },
    fits: (rows) =>
      isHead(rows[0], BINANCE) ||
      rows.every((row) => {
        const [openTime = '', closeTime = ''] = [row[0], row[6]]
        const unit = clearUnitOf(openTime)
        const isSpan = unit !== undefined && clearUnitOf(closeTime) === unit && Number(closeTime) > Number(openTime)
        return row.length === BINANCE.length && isSpan && areNumbers(row) && isBar(row)
      })
  },
  kraken: {
    description: 'OHLCVT of Kraken: 7 columns',
    columns: KRAKEN,
    map: { timestamp: 'time', ...BAR, trades: 'trades' },
    fits: (rows) =>
      isHead(rows[0], KRAKEN) ||
      rows.every(
        (row) => row.length === KRAKEN.length && clearUnitOf(row[0] as string) === 's' && areNumbers(row) && isBar(row)
      )
  },
  yahoo: {
    description: 'daily or intraday prices of Yahoo Finance: Date,Open,High,Low,Close,Volume and more',
    map: { timestamp: ['Date', 'Datetime'], ...YAHOO_BAR, ...YAHOO_OPTIONAL },
    optional: Object.values(YAHOO_OPTIONAL),
    empty: ['null'],
    fits: ([head = []]) => {
      const known = ['Date', 'Datetime', ...Object.values(YAHOO_BAR), ...Object.values(YAHOO_OPTIONAL)]
      const needed = Object.values(YAHOO_BAR)
      const isTimed = head.includes('Date') !== head.includes('Datetime')
      return isTimed && head.every((name) => known.includes(name)) && needed.every((name) => head.includes(name))
    }
  }
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof PRESETS

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]

/** The one whose layout the first rows have, where that is certain. */
export function presetOf(rows: readonly (readonly string[])[]): PresetName | undefined {
  const fitting = PRESET_NAMES.filter((name) => PRESETS[name].fits(rows))
  return fitting.length === 1 ? fitting[0] : undefined
}

export function isHead(row: readonly string[] | undefined, names: readonly string[]): boolean {
  return row?.length === names.length && row.every((name, index) => name === names[index])
}

function areNumbers(row: readonly string[]): boolean {
  return row.every((cell) => cell !== '' && Number.isFinite(Number(cell)))
}

/** Whether the columns behind the time are open, high, low and close. */
function isBar(row: readonly string[]): boolean {
  const [open, high, low, close] = row.slice(1, 5).map(Number) as [number, number, number, number]
  return low <= Math.min(open, close) && high >= Math.max(open, close)
}
