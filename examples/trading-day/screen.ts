import type { WriteStream } from 'node:tty'
import { SERVICES } from './processes.ts'
import type { Figures } from './tally.ts'
import { inALine, type Progress, type TradingDayResult } from './trading-day.ts'

const money = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const whole = new Intl.NumberFormat('en-US')

/** Draws the platform in place, again and again. */
export function liveTable(terminal: WriteStream): (progress: Progress) => void {
  let height = 0
  return (progress) => {
    const lines = tableOf(progress)
    const back = height === 0 ? '' : `\x1b[${height}A\x1b[J`
    terminal.write(`${back}${lines.join('\n')}\n`)
    height = lines.length
  }
}

/** For what is no terminal: a line whenever another tenth of the trading dates is published. */
export function plainLines(write: (line: string) => void): (progress: Progress) => void {
  let shown = -1
  return (progress) => {
    const tenth = Math.floor((10 * progress.published) / progress.dates)
    if (tenth === shown) return
    shown = tenth
    const { figures } = progress.tally
    const orders = figures.orders.length
    write(
      `${latestDate(progress)}  ${progress.published} of ${progress.dates} dates  ${whole.format(progress.tally.total)} events  ` +
        `${orders} orders  equity ${money.format(figures.equity)}  ${lags(progress)}`
    )
  }
}

function tableOf(progress: Progress): string[] {
  const { tally, published, dates, restarts } = progress
  const { positions, cash, equity, orders, alerts } = tally.figures
  const row = (symbol: string, date: string, ...numbers: string[]) =>
    `  ${symbol.padEnd(8)}${date.padEnd(12)}${numbers.map((number) => number.padStart(14)).join('')}`
  const rows = [...tally.prices].sort().map(([symbol, { price, date }]) => {
    const shares = positions[symbol] ?? 0
    return row(symbol, date, money.format(price), whole.format(shares), money.format(shares * price))
  })
  return [
    `  Trading date ${published} of ${dates}, ${whole.format(tally.total)} events in the log`,
    '',
    row('symbol', 'date', 'price', 'shares', 'value'),
    ...rows,
    row('cash', '', '', '', money.format(cash)),
    row('equity', '', '', '', money.format(equity)),
    '',
    `  ${orders.length} orders, ${alerts.length} risk alerts, ${restarts} restarts`,
    `  ${lags(progress)}`
  ]
}

function latestDate({ tally }: Progress): string {
  const dates = [...tally.prices.values()].map(({ date }) => date)
  return dates.sort().at(-1) ?? '----------'
}

/** What each group has still to do: entries not handed out, and those handed out and not acknowledged. */
function lags({ stats }: Progress): string {
  const ofGroup = (name: string) => {
    const group = stats.groups.find((one) => one.name === name)
    return group === undefined ? `${name} -` : `${name} ${(group.lag ?? 0) + group.pending}`
  }
  return `lag: ${SERVICES.map(ofGroup).join(', ')}`
}

/** What the run came to, for people. */
export function report(result: TradingDayResult): string {
  const { figures, events, seconds, eventsPerSecond, lineage, kills, restarts } = result
  return [
    '',
    'Portfolio',
    ...portfolio(figures),
    '',
    'Risk alerts',
    ...(figures.alerts.length === 0 ? ['  none'] : []),
    ...figures.alerts.map(
      ({ date, drawdown }) => `  ${date}  ${(drawdown * 100).toFixed(1)} % below the highest close`
    ),
    '',
    'Events',
    ...Object.entries(figures.eventsByType).map(
      ([type, count]) => `  ${type.padEnd(20)}${whole.format(count).padStart(10)}`
    ),
    '',
    events === 0
      ? 'The log held the whole run already: nothing was left to do.'
      : `${whole.format(events)} events in ${seconds.toFixed(2)} s, ${whole.format(eventsPerSecond)} events/s through four processes`,
    ...kills.map(({ service, ordersThen }) => `The ${service} was killed when the log held ${ordersThen} orders.`),
    ...(restarts === 0 ? [] : [`Services started again: ${restarts}`]),
    '',
    'Where the last order comes from',
    ...lineage.map((event, depth) => `  ${'   '.repeat(depth)}${depth === 0 ? '' : '└─ '}${inALine(event)}`)
  ].join('\n')
}

function portfolio({ positions, cash, equity, orders, signals }: Figures): string[] {
  return [
    ...Object.entries(positions).map(
      ([symbol, shares]) => `  ${symbol.padEnd(8)}${whole.format(shares).padStart(14)} shares`
    ),
    `  ${'cash'.padEnd(8)}${money.format(cash).padStart(14)}`,
    `  ${'equity'.padEnd(8)}${money.format(equity).padStart(14)}`,
    `  from ${signals.BUY} BUY and ${signals.SELL} SELL signals, ${orders.length} orders`
  ]
}
