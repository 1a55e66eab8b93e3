import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { StoredEvent } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runCommand, runProcess, startProcess, temporaryFolder } from './support/command.ts'
import { type CommandTarget, redisTarget, serviceProcess, serviceTarget, sqliteTarget } from './support/targets.ts'

/** A deduplication window that has passed before a process can start again. */
const NO_WINDOW = { EVENT_DEDUPLICATION_WINDOW_MS: '1' }

const price = (index: number) => ({
  event_type: 'market_data_update',
  timestamp: '2026-01-31T09:30:00.000+00:00',
  source: 'exchange',
  data: { symbol: 'BTC/USDT', price: 40_000 + index }
})

async function writeEvents(folder: string, count: number, name = 'events.ndjson'): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, Array.from({ length: count }, (_, index) => `${JSON.stringify(price(index))}\n`).join(''))
  return path
}

async function eventsOf(target: CommandTarget): Promise<StoredEvent[]> {
  await using system = await target.openSystem()
  return await Array.fromAsync(system.readEvents())
}

const pricesOf = (events: readonly StoredEvent[]) => events.map(({ data }) => Number(data.price) - 40_000)
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

describe('import of NDJSON', () => {
  test('imports every line in order and leaves nothing beside the file', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 1_203)
    const { code, stdout } = await runCommand(['import', path, '--json', ...target.options])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'done',
      file: path,
      imported: 1_203,
      refused: 0,
      already_in_log: 0
    })
    expect(pricesOf(await eventsOf(target))).toEqual(upTo(1_203))
    expect(await readdir(folder)).toEqual(['events.ndjson'])
  })

  test('makes the same event id of the same row in any file, another of an equal row, and keeps those that there are', async () => {
    await using target = await sqliteTarget()
    const own = `${JSON.stringify({ ...price(0), event_id: 'its-own' })}\n`
    const one = await writeEvents(folder, 2, 'one.ndjson')
    const other = await writeEvents(folder, 2, 'other.ndjson')
    await appendFile(one, own)
    await appendFile(other, `${JSON.stringify(price(0))}\n`)
    const runs = []
    for (const path of [one, one, other]) {
      const { stdout } = await runCommand(['import', path, '--json', ...target.options], { env: NO_WINDOW })
      runs.push(JSON.parse(stdout))
    }
    expect(runs.map(({ imported, already_in_log }) => [imported, already_in_log])).toEqual([
      [3, 0],
      [0, 3],
      [1, 2]
    ])
    const ids = (await eventsOf(target)).map(({ eventId }) => eventId)
    expect(new Set(ids).size).toBe(4)
    expect(ids[2]).toBe('its-own')
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('refuses a row whose event id stands for another event, and with --skip-invalid imports the others', async () => {
    await using target = await sqliteTarget()
    const row = (event_id: string, index: number) => JSON.stringify({ ...price(index), event_id })
    const write = async (name: string, ...rows: string[]) => {
      const path = join(folder, name)
      await writeFile(path, `${rows.join('\n')}\n`)
      return path
    }
    const first = await write('first.ndjson', row('a', 0), row('b', 1))
    expect((await runCommand(['import', first, ...target.options])).code).toBe(0)
    const second = await write('second.ndjson', row('c', 2), row('a', 90), row('b', 1), row('b', 91), row('d', 3))
    const refused = await runCommand(['import', second, ...target.options])
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^error: Line 4: The event id "b" stands in an earlier row .*\(event_id_conflict\)\n$/
      )
    })
    const third = await write('third.ndjson', row('c', 2), row('a', 90))
    expect(await runCommand(['import', third, ...target.options])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: Line 2: The event id "a" stands in the log .*\(event_id_conflict\)\n$/)
    })
    expect(await eventsOf(target)).toHaveLength(2)
    const { code, stdout } = await runCommand(['import', second, '--skip-invalid', '--json', ...target.options])
    expect(code).toBe(3)
    const codes = [2, 4].map((line) => expect.objectContaining({ line, code: 'event_id_conflict' }))
    expect(JSON.parse(stdout)).toMatchObject({ imported: 2, already_in_log: 1, refused: 2, refused_rows: codes })
    expect(pricesOf(await eventsOf(target))).toEqual([0, 1, 2, 3])
  })

  test('imports nothing of a file with a wrong line, and says which', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 700)
    await appendFile(
      path,
      '{"event_type": "market_data_update", "timestamp": "2026-01-31T09:30:00Z", "data": {"symbol": "", "price": 1}}\n'
    )
    const { code, stderr } = await runCommand(['import', path, ...target.options])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: Line 701: data\.symbol .* \(invalid_data\)\n$/)
    expect(await eventsOf(target)).toEqual([])
  })

  test('imports nothing of a file with a line that is larger than an event may be, or with a number that would be changed', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 1_200)
    const good = await readFile(path, 'utf8')
    for (const [line, sentence] of [
      [
        JSON.stringify({ ...price(0), metadata: { note: 'x'.repeat(1_100_000) } }),
        /^error: Line 1201: .*payload_too_large/
      ],
      [JSON.stringify(price(0)).replace('40000', '1E400'), /^error: Line 1201: .*1E400.*not_representable/]
    ] as const) {
      await writeFile(path, `${good}${line}\n`)
      const { code, stderr } = await runCommand(['import', path, ...target.options])
      expect(stderr).toMatch(sentence)
      expect({ code, events: await eventsOf(target) }).toEqual({ code: 2, events: [] })
    }
  })

  test.each<[what: string, line: string, sentence: RegExp]>([
    [
      'fields that stand beside the data',
      '{"price": 1}',
      /^error: Line 1: "price" is no part of an event, and would be lost/
    ],
    [
      'nesting far too deep',
      `{"data": {"x": ${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
      /^error: Line 1: .* lies deeper than 128/
    ],
    ['JSON over several lines', '[\n', /^error: Line 1: A line must be a whole JSON object: .* jq -c/]
  ])('refuses %s', async (_, line, sentence) => {
    await using target = await sqliteTarget()
    const { data, ...timed } = price(0)
    const input = line.startsWith('{') ? JSON.stringify(timed).replace('{', `${line.slice(0, -1)},`) : line
    const { code, stderr } = await runCommand(['import', '-', '--format', 'ndjson', ...target.options], { input })
    expect(stderr).toMatch(sentence)
    expect({ code, events: await eventsOf(target) }).toEqual({ code: 2, events: [] })
  })

  test('takes a CSV on standard input', async () => {
    await using target = await sqliteTarget()
    const input = 'timestamp,symbol,price\n2026-01-31,X,40000\n'
    expect((await runCommand(['import', '-', ...target.options], { input })).stdout).toBe('1 event imported\n')
    expect(pricesOf(await eventsOf(target))).toEqual([0])
  })

  test('refuses a line without a time: it never becomes now', async () => {
    await using target = await sqliteTarget()
    const { timestamp: _, ...timeless } = price(0)
    const { code, stderr } = await runCommand(['import', '-', ...target.options], { input: JSON.stringify(timeless) })
    expect(stderr).toMatch(/^error: Line 1: timestamp is missing/)
    expect({ code, events: await eventsOf(target) }).toEqual({ code: 2, events: [] })
  })

  test('passes over wrong lines with --skip-invalid, names them and ends with 3', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 600)
    await appendFile(path, 'no json\n{"event_type": "no_such_type", "timestamp": "2026-01-31T09:30:00Z"}\n')
    await appendFile(path, `${JSON.stringify(price(600))}\n`)
    const { code, stdout } = await runCommand(['import', path, '--skip-invalid', '--json', ...target.options])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'partly_done',
      imported: 601,
      refused: 2,
      refused_rows: [
        { line: 601, code: 'invalid_json' },
        { line: 602, code: 'unknown_event_type' }
      ]
    })
    expect(pricesOf(await eventsOf(target))).toEqual(upTo(601))
  })

  test('takes standard input', async () => {
    await using target = await sqliteTarget()
    const input = await readFile(await writeEvents(folder, 3), 'utf8')
    const { code, stdout } = await runCommand(['import', '-', ...target.options], { input })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '3 events imported\n' })
    expect(pricesOf(await eventsOf(target))).toEqual([0, 1, 2])
  })
})

describe('import of NDJSON from a pipe that stays open', () => {
  test('ends with 130 when it is interrupted, and has published nothing of what it cannot check as a whole', async () => {
    await using target = await sqliteTarget()
    const running = startProcess(['import', '-', '--json', ...target.options])
    // More than a pipe holds: when it is written, the command reads.
    await new Promise((resolve) => running.child.stdin?.write(`${JSON.stringify(price(0))}\n`.repeat(20_000), resolve))
    running.child.kill('SIGINT')
    expect((await running.result).code).toBe(130)
    expect(await eventsOf(target)).toEqual([])
  })
})

describe('import over a service', () => {
  test('sends a batch that is larger than the service takes in parts, and passes over what is too large alone', async () => {
    await using target = await serviceTarget({ EVENT_MAX_BODY_BYTES: '20000' })
    const path = join(folder, 'large.ndjson')
    const sizes = upTo(60).map((index) => (index === 30 ? 30_000 : 1_000))
    const lines = sizes.map((size, index) => ({ ...price(index), metadata: { note: 'x'.repeat(size) } }))
    await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const { code, stdout } = await runCommand(['import', path, '--skip-invalid', '--json', ...target.options])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({
      imported: 59,
      refused_rows: [{ line: 31, code: 'payload_too_large' }]
    })
    expect(pricesOf(await eventsOf(target))).toEqual(upTo(60).filter((index) => index !== 30))
  })

  test('passes over what only the service refuses', async () => {
    const types = join(folder, 'types.json')
    await writeFile(types, '{"order_cancelled": {"type": "object", "required": ["order"]}}')
    await using target = await serviceProcess({ EVENT_TYPES_FILE: types })
    const path = join(folder, 'orders.ndjson')
    const lines = [{ order: 1 }, {}, { order: 3 }].map((data) => ({ ...price(0), event_type: 'order_cancelled', data }))
    await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const { code, stdout } = await runProcess(['import', path, '--skip-invalid', '--json', ...target.options])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ imported: 2, refused_rows: [{ line: 2, code: 'invalid_data' }] })
    expect((await eventsOf(target)).map(({ data }) => data)).toEqual([{ order: 1 }, { order: 3 }])
  })
})

describe('import of CSV', () => {
  test('maps columns to fields, with the types that the schema says', async () => {
    await using target = await sqliteTarget()
    const path = join(folder, 'prices.csv')
    const rows = ['\ufeffTicker,Date,Close,Volume,Note', '0700,2026-01-31,382.5,1e6,"a, b"', 'MSFT,Jan 1 2000,39.81,,x']
    await writeFile(path, `${rows.join('\r\n')}\r\n`)
    const map = 'symbol=Ticker,price=Close,timestamp=Date,volume=Volume,note=Note'
    const { code, stderr } = await runCommand(['import', path, '--map', map, ...target.options])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(await eventsOf(target)).toEqual([
      expect.objectContaining({
        eventType: 'market_data_update',
        source: 'csv',
        timestamp: '2026-01-31T00:00:00.000+00:00',
        data: { symbol: '0700', price: 382.5, volume: 1_000_000, note: 'a, b' }
      }),
      expect.objectContaining({
        timestamp: '2000-01-01T00:00:00.000+00:00',
        data: { symbol: 'MSFT', price: 39.81, note: 'x' }
      })
    ])
  })

  test('takes one symbol for all rows, and imports real prices', async () => {
    await using target = await sqliteTarget()
    const path = join(createRequire(import.meta.url).resolve('vega-datasets'), '../../data/sp500-2000.csv')
    const copy = join(folder, 'sp500.csv')
    const text = await readFile(path, 'utf8')
    await writeFile(copy, text)
    const map = 'timestamp=date,open=open,high=high,low=low,close=close,price=close,volume=volume'
    const args = [
      'import',
      copy,
      '--symbol',
      'SP500',
      '--map',
      map,
      '--source',
      'exchange',
      '--json',
      ...target.options
    ]
    const { code, stdout } = await runCommand(args)
    const rows = text
      .trim()
      .split('\n')
      .slice(1)
      .map((row) => row.split(','))
    expect(code).toBe(0)
    expect(JSON.parse(stdout).imported).toBe(rows.length)
    const events = await eventsOf(target)
    expect(events.map(({ data, timestamp }) => [timestamp.slice(0, 10), data.symbol, data.price])).toEqual(
      rows.map(([date, , , , close]) => [date, 'SP500', Number(close)])
    )
  })
})

describe.each([
  ['an embedded log', () => sqliteTarget()],
  ['a log in Redis', () => redisTarget()],
  ['a service', () => serviceTarget(NO_WINDOW)]
])('an interrupted import into %s', (_, open) => {
  const COUNT = 20_000
  let target: CommandTarget
  beforeAll(async () => {
    target = await open()
  })
  afterAll(() => target?.[Symbol.asyncDispose]())

  test.each<[NodeJS.Signals, number | null]>([
    ['SIGKILL', null],
    ['SIGINT', 130]
  ])(
    'is completed by the same command after %s, with no event repeated and the deduplication window passed',
    async (signal, code) => {
      const before = (await eventsOf(target)).length
      const path = await writeEvents(folder, COUNT)
      // Another content each time: the log is one for these tests.
      const text = (await readFile(path, 'utf8')).replaceAll('"exchange"', JSON.stringify(folder))
      await writeFile(path, text)
      const command = ['import', path, '--json', ...target.options]
      const imported = async () => (await eventsOf(target)).slice(before)

      const first = startProcess(command, { env: NO_WINDOW })
      await waitFor(async () => (await imported()).length >= 1_000, { timeoutMs: 60_000 })
      first.child.kill(signal)
      expect((await first.result).code).toBe(code)
      const there = (await imported()).length
      expect(there).toBeLessThan(COUNT)

      const second = await runCommand(command, { env: NO_WINDOW })
      expect(second).toMatchObject({ code: 0, stderr: '' })
      const report = JSON.parse(second.stdout)
      expect(report.imported + report.already_in_log).toBe(COUNT)
      expect(report.already_in_log).toBeGreaterThanOrEqual(1_000)
      expect(pricesOf(await imported())).toEqual(upTo(COUNT))
    }
  )
})
