import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { EventSystem, type EventSystemOptions, EventType } from '@tradpal/event-system'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRedis } from '../../test/support/start-redis.ts'
import { Crossover } from './crossover.ts'
import { STOCKS } from './prices.ts'
import { SERVICES } from './processes.ts'
import { crossings, loadQuotes, referenceFigures } from './reference.ts'
import { type Kill, runTradingDay, type TradingDayOptions } from './trading-day.ts'

type LogPlace = NonNullable<TradingDayOptions['log']>

const expected = referenceFigures(loadQuotes(STOCKS))
let folder: string
let redis: Awaited<ReturnType<typeof startRedis>>
let logs = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trading-day-test-'))
  redis = await startRedis()
})

afterAll(async () => {
  await redis?.stop()
  await rm(folder, { recursive: true, force: true })
})

const newLog = {
  sqlite: (): LogPlace => ({ file: join(folder, `${logs++}.db`) }),
  redis: (): LogPlace => ({ redisUrl: redis.url, streamName: `trading_day_${logs++}` })
}

const systemOptions = (log: LogPlace): EventSystemOptions => ('file' in log ? { logPath: log.file } : log)

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

/** The command, as `npm run demo` runs it. */
async function demo(...options: string[]) {
  const child = spawn(process.execPath, ['--conditions=tradpal-source', main, ...options], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  child.stdout.setEncoding('utf8')
  let output = ''
  child.stdout.on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  return { code, output }
}

const optionsFor = (log: LogPlace) =>
  'file' in log ? ['--log', log.file] : ['--redis', log.redisUrl, '--stream', log.streamName]

describe.each(['sqlite', 'redis'] as const)('the trading day on %s', (kind) => {
  it('comes to the figures that the reference computes from the prices', async () => {
    const { code, output } = await demo('--json', ...optionsFor(newLog[kind]()))

    expect(code).toBe(0)
    expect(JSON.parse(output).figures).toEqual(expected)
  })

  it('comes to the same figures when the broker is killed and started again in the middle', async () => {
    const { output } = await demo('--json', '--kill-broker', ...optionsFor(newLog[kind]()))

    const { figures, kills, restarts } = JSON.parse(output)
    expect(kills).toMatchObject([{ service: 'broker' }])
    expect(kills[0].ordersThen).toBeGreaterThanOrEqual(10)
    expect(kills[0].ordersThen).toBeLessThan(expected.orders.length)
    expect(restarts).toBe(1)
    expect(figures).toEqual(expected)
  })

  it('comes to the same figures whatever is killed, also when deduplication has forgotten what was published', async () => {
    const log = newLog[kind]()
    process.env.EVENT_DEDUPLICATION_WINDOW_MS = '0'
    try {
      const kills = killsAtEach([3, 40, 200])
      const result = await runTradingDay({ symbols: STOCKS, log, kills })

      expect(result.kills).toHaveLength(kills.length)
      expect(result.figures).toEqual(expected)
    } finally {
      delete process.env.EVENT_DEDUPLICATION_WINDOW_MS
    }
    await expectNothingLeft(log)
  })

  it('goes on from where an interrupted run stopped, and does nothing when the log holds it all', async () => {
    const log = newLog[kind]()
    await runTradingDay({ symbols: STOCKS, log, days: 40 })
    const second = await runTradingDay({ symbols: STOCKS, log })
    const third = await runTradingDay({ symbols: STOCKS, log })

    expect(second.figures).toEqual(expected)
    expect(third).toMatchObject({ figures: expected, events: 0 })
  })

  it('leads from an order back to the price that caused it', async () => {
    const { lineage } = await runTradingDay({ symbols: ['MSFT'], log: newLog[kind]() })

    const [price, signal, order] = lineage
    expect(lineage.map(({ eventType }) => eventType)).toEqual([
      'market_data_update',
      'trading_signal',
      'order_executed'
    ])
    expect(order?.metadata).toMatchObject({ causation_id: signal?.eventId, correlation_id: price?.eventId })
    expect(order?.data.price).toBe(price?.data.price)
  })
})

it('ends its services when it is killed itself', async () => {
  const log = newLog.sqlite()
  const child = spawn(process.execPath, ['--conditions=tradpal-source', main, '--speed', '1', ...optionsFor(log)], {
    stdio: 'ignore'
  })
  try {
    await using system = new EventSystem(systemOptions(log))
    await system.initialize()
    await expect
      .poll(async () => (await system.getEventStats()).groups.length, { timeout: 10_000 })
      .toBe(SERVICES.length)
    const services = await childrenOf(child.pid as number)
    expect(services).toHaveLength(SERVICES.length)
    child.kill('SIGKILL')
    await expect.poll(() => services.filter(isAlive), { timeout: 10_000 }).toEqual([])
  } finally {
    child.kill('SIGKILL')
  }
})

it('refuses a log that holds another run', async () => {
  const log = newLog.sqlite()
  await runTradingDay({ symbols: ['MSFT'], log, days: 3 })

  await expect(runTradingDay({ symbols: ['IBM'], log })).rejects.toThrow('holds another run (MSFT@2000-01-01)')
})

describe('the reference', () => {
  it('buys and sells where a hand finds the crossings', () => {
    // Averages of 1 and 2: prices        5  4  6  7  6  6  9  1
    // the price is above the mean of 2:     -  +  +  -  =  +  -
    expect([...crossings([5, 4, 6, 7, 6, 6, 9, 1], 1, 2)]).toEqual([
      [2, 'BUY'],
      [4, 'SELL'],
      [6, 'BUY'],
      [7, 'SELL']
    ])
  })

  it('begins with a BUY: a fall below before the first rise is none of its business', () => {
    expect([...crossings([1, 2, 1, 2], 1, 2)]).toEqual([[3, 'BUY']])
  })

  it('comes to the figures of a calculation by hand', () => {
    const prices = [10, 10, 10, 10, 10, 10, 10, 9, 20, 10, 5, 5]
    const quotes = prices.map((price, month) => ({
      symbol: 'IBM',
      date: `2000-${String(month + 1).padStart(2, '0')}-01`,
      cents: price * 100
    }))

    // BUY in month 9 at 20: 20,000 buys 1,000 shares, commission 20: cash 79,980. SELL in month 12 at 5: 5,000 less 5: 84,975.
    // At the close of month 10 the worth is 79,980 + 10,000 = 89,980, 10.02 % below the 100,000 of the start.
    const figures = referenceFigures(quotes)
    expect(figures).toMatchObject({
      cash: 84_975,
      equity: 84_975,
      positions: {},
      signals: { BUY: 1, SELL: 1, HOLD: 10 }
    })
    expect(figures.orders.map(({ date, side, quantity }) => `${date} ${side} ${quantity}`)).toEqual([
      '2000-09-01 BUY 1000',
      '2000-12-01 SELL 1000'
    ])
    expect(figures.alerts).toEqual([{ date: '2000-10-01', drawdown: 0.1002 }])
  })

  it('advises as the strategy does, on any prices', () => {
    const prices = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 60 })
    fc.assert(
      fc.property(prices, (series) => {
        const crossover = new Crossover('IBM')
        const advised = series.map((price) => crossover.next(price))
        const turns = crossings(series, 3, 8)
        expect(advised).toEqual(series.map((_, index) => turns.get(index) ?? 'HOLD'))
      })
    )
  })
})

/** Each service in turn, each time when the log holds so many signals more. */
function killsAtEach(counts: readonly number[]): Kill[] {
  return counts.flatMap((count) =>
    SERVICES.map((service, i) => ({ service, once: { eventType: EventType.TRADING_SIGNAL, count: count + 7 * i } }))
  )
}

async function expectNothingLeft(log: LogPlace): Promise<void> {
  await using system = new EventSystem(systemOptions(log))
  await system.initialize()
  const { groups, deadLetters } = await system.getEventStats()
  expect(groups.map(({ pending, lag }) => ({ pending, lag }))).toEqual(SERVICES.map(() => ({ pending: 0, lag: 0 })))
  expect(deadLetters).toBe(0)
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const processes = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return processes.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
