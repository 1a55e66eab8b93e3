import { parseArgs } from 'node:util'
import { EventSystemError, EventType } from '@tradpal/event-system'
import { STOCKS, SYMBOLS } from './prices.ts'
import { liveTable, plainLines, report } from './screen.ts'
import { runTradingDay, type TradingDayOptions } from './trading-day.ts'

const HELP = `A small trading platform over the event system, on real prices of 2000 to 2010.

  npm run demo                                  on a temporary embedded log
  npm run demo -- --redis redis://localhost     on a Redis, in a stream of its own
  npm run demo -- --kill-broker                 the broker is killed on the way; the figures stay the same

  --log <file>        keep the embedded log in this file; a run that was interrupted goes on from there
  --redis <url>       keep the log in this Redis
  --stream <name>     under this name; an interrupted run goes on. Default: trading_day_<time>
  --symbols <list>    of ${SYMBOLS.join(',')}. Default: ${STOCKS.join(',')}
  --days <n>          only the first n trading dates
  --speed <n|max>     trading dates a second. Default: 20 on a terminal, otherwise max
  --kill-broker       SIGKILL the broker after the 10th order and start it again
  --json              print the result as JSON and nothing else
`

const AFTER_TEN_ORDERS = { service: 'broker', once: { eventType: EventType.ORDER_EXECUTED, count: 10 } } as const

/** What was asked for cannot be done: said in a sentence, exit code 2. */
class UsageError extends Error {}

function readArguments() {
  try {
    return parseArgs({
      options: {
        redis: { type: 'string' },
        stream: { type: 'string' },
        log: { type: 'string' },
        days: { type: 'string' },
        symbols: { type: 'string', default: STOCKS.join(',') },
        speed: { type: 'string' },
        'kill-broker': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

type Arguments = ReturnType<typeof readArguments>

function toOptions(given: Arguments, interactive: boolean): TradingDayOptions {
  const log = whereTheLogIs(given)
  const datesPerSecond = speed(given.speed ?? (interactive ? '20' : 'max'))
  return {
    symbols: symbols(given.symbols),
    ...(given.days === undefined ? {} : { days: positive('--days', given.days) }),
    ...(datesPerSecond === undefined ? {} : { datesPerSecond }),
    ...(log === undefined ? {} : { log }),
    kills: given['kill-broker'] ? [AFTER_TEN_ORDERS] : []
  }
}

function whereTheLogIs({ redis, stream, log }: Arguments): TradingDayOptions['log'] {
  if (redis !== undefined && log !== undefined) throw new UsageError('--redis and --log exclude each other.')
  if (stream !== undefined && redis === undefined) throw new UsageError('--stream needs --redis.')
  if (log !== undefined) return { file: log }
  if (redis === undefined) return undefined
  const streamName = stream ?? `trading_day_${new Date().toISOString().replaceAll(/[-:.]/g, '')}`
  return { redisUrl: redis, streamName }
}

function symbols(list: string): string[] {
  const names = list.toUpperCase().split(',')
  const unknown = names.find((name) => !SYMBOLS.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`--symbols: ${JSON.stringify(unknown)} is none of ${SYMBOLS.join(', ')}.`)
  return names
}

function positive(option: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new UsageError(`${option} must be a whole number above 0, got ${JSON.stringify(text)}.`)
}

const speed = (text: string) => (text === 'max' ? undefined : positive('--speed', text))

const interruption = new AbortController()
process.once('SIGINT', () => interruption.abort(new UsageError('Interrupted.')))
process.once('SIGTERM', () => interruption.abort(new UsageError('Interrupted.')))

try {
  const given = readArguments()
  if (given.help) {
    console.log(HELP)
  } else {
    const interactive = process.stdout.isTTY && !given.json
    const onProgress = interactive ? liveTable(process.stdout) : given.json ? undefined : plainLines(console.log)
    const options = toOptions(given, interactive)
    const { signal } = interruption
    const result = await runTradingDay({ ...options, signal, ...(onProgress === undefined ? {} : { onProgress }) })
    console.log(given.json ? JSON.stringify(result) : report(result))
    if (!given.json && options.log !== undefined && 'streamName' in options.log)
      console.log(`\nThe log is the stream ${options.log.streamName}.`)
  }
} catch (error) {
  const expected = error instanceof UsageError || error instanceof EventSystemError
  console.error(expected ? error.message : error)
  process.exitCode = interruption.signal.aborted ? 130 : error instanceof UsageError ? 2 : 1
}
