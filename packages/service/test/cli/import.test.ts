import { existsSync } from 'node:fs'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { StoredEvent } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, type Running, runCommand, startCommand, temporaryFolder } from './support/command.ts'
import { type CommandTarget, publishLines, redisTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

/** A deduplication window that has passed before a process can start again. */
const NO_WINDOW = { EVENT_DEDUPLICATION_WINDOW_MS: '1' }

const price = (index: number) => ({
  event_type: 'market_data_update',
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
    expect(JSON.parse(stdout)).toMatchObject({ status: 'done', file: path, imported: 1_203, refused: 0, found: 0 })
    expect(pricesOf(await eventsOf(target))).toEqual(upTo(1_203))
    expect(existsSync(`${path}.tradpal-import.json`)).toBe(false)
  })

  test('makes the same event ids of the same file, others of another, and keeps those that there are', async () => {
    await using target = await sqliteTarget()
    const own = `${JSON.stringify({ ...price(0), event_id: 'its-own' })}\n`
    const one = await writeEvents(folder, 2, 'one.ndjson')
    const other = await writeEvents(folder, 2, 'other.ndjson')
    await appendFile(one, own)
    for (const path of [one, one, other]) await runCommand(['import', path, ...target.options])
    const ids = (await eventsOf(target)).map(({ eventId }) => eventId)
    expect(ids).toHaveLength(5)
    expect(new Set(ids).size).toBe(5)
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
      stderr: expect.stringMatching(/Line 2: The event id "a" .*\(event_id_conflict\)/)
    })
    const { code, stdout } = await runCommand(['import', second, '--skip-invalid', '--json', ...target.options])
    expect(code).toBe(3)
    const codes = [2, 4].map((line) => expect.objectContaining({ line, code: 'event_id_conflict' }))
    expect(JSON.parse(stdout)).toMatchObject({ imported: 3, refused: 2, refused_rows: codes })
    expect(pricesOf(await eventsOf(target))).toEqual([0, 1, 2, 3])
  })

  test('imports nothing of a file with a wrong line, and says which', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 700)
    await appendFile(path, '{"event_type": "market_data_update", "data": {"symbol": "", "price": 1}}\n')
    const { code, stderr } = await runCommand(['import', path, ...target.options])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: Line 701: data\.symbol .* \(invalid_data\)\n$/)
    expect(await eventsOf(target)).toEqual([])
    expect(existsSync(`${path}.tradpal-import.json`)).toBe(false)
  })

  test('passes over wrong lines with --skip-invalid, names them and ends with 3', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 600)
    await appendFile(path, 'no json\n{"event_type": "no_such_type"}\n')
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
  test('ends with 130 when it is interrupted', async () => {
    await using target = await sqliteTarget()
    const running = startCommand(['import', '-', '--json', ...target.options])
    running.child.stdin?.write(`${JSON.stringify(price(0))}\n`.repeat(501))
    await waitFor(async () => (await eventsOf(target)).length === 500)
    running.child.kill('SIGINT')
    const { code, stdout } = await running.result
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'interrupted', imported: 500 })
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
    await using target = await serviceTarget({ EVENT_TYPES_FILE: types })
    const path = join(folder, 'orders.ndjson')
    const lines = [{ order: 1 }, {}, { order: 3 }].map((data) => ({ event_type: 'order_cancelled', data }))
    await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const { code, stdout } = await runCommand(['import', path, '--skip-invalid', '--json', ...target.options])
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

  test('gives back the texts and the numbers of an export, formulas and control characters included', async () => {
    await using source = await sqliteTarget()
    await using target = await sqliteTarget()
    const texts = [
      '=cmd()',
      '-5',
      '-a',
      '"quoted"',
      '\u001b[2J',
      '\u202e',
      'two\nlines',
      ' spaces ',
      'a;=cmd()',
      '\ufffd'
    ]
    await publishLines(
      source,
      texts.map((symbol, i) => ({ event_type: 'market_data_update', data: { symbol, price: -i, note: `=${symbol}` } }))
    )
    const path = join(folder, 'exported.csv')
    const columns = 'event_id,timestamp,data.symbol,data.price,data.note'
    const exported = await runCommand(['export', '-o', path, '--columns', columns, ...source.options])
    expect(exported.code).toBe(0)
    const map = 'event_id=event_id,timestamp=timestamp,symbol=data.symbol,price=data.price,note=data.note'
    const { code, stderr } = await runCommand(['import', path, '--map', map, ...target.options])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const whatItSays = (events: readonly StoredEvent[]) =>
      events.map(({ eventId, timestamp, data }) => ({ eventId, timestamp, data }))
    expect(whatItSays(await eventsOf(target))).toEqual(whatItSays(await eventsOf(source)))
  })

  test.each([
    ['a column that is not there', 'a,b\n1,2\n', ['--map', 'symbol=Ticker'], /no column "Ticker"; there are a, b/],
    ['a text where a number belongs', 'symbol,price\nX,"1,234"\n', [], /Line 2: Column price must be a number/],
    ['a date that is not clear', 'symbol,timestamp\nX,01/02/2000\n', [], /Line 2: The timestamp must be/],
    ['a short row', 'symbol,price\nX\n', [], /Line 2: The row has 1 cells and the head 2/],
    ['broken quotes', 'symbol,price\n"X,1\n', [], /is no CSV that can be read/],
    ['nothing', '', [], /is empty/]
  ])('refuses %s with 2', async (_, text, options, sentence) => {
    const path = join(folder, 'wrong.csv')
    await writeFile(path, text)
    const { code, stderr } = await runCommand(['import', path, ...options, '--log', join(folder, 'events.db')])
    expect(stderr).toMatch(sentence)
    expect(code).toBe(2)
  })
})

describe.each([
  ['an embedded log', () => sqliteTarget()],
  ['a log in Redis', () => redisTarget()],
  ['a service', () => serviceTarget(NO_WINDOW)]
])('an interrupted import into %s', (_, open) => {
  const COUNT = 30_000
  let target: CommandTarget
  let path: string
  beforeAll(async () => {
    target = await open()
  })
  afterAll(() => target?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    path = await writeEvents(folder, COUNT)
    // Another content each time: the log is one for these tests.
    await appendFile(path, `${JSON.stringify({ ...price(COUNT), source: folder })}\n`)
  })

  const progressOf = async () => JSON.parse(await readFile(`${path}.tradpal-import.json`, 'utf8'))
  const start = (env = {}) => startCommand(['import', path, '--json', ...target.options], { env })
  const interruptedBehind = async (row: number, running: Running, signal: NodeJS.Signals) => {
    await waitFor(async () => (await progressOf()).row >= row, { timeoutMs: 15_000 })
    running.child.kill(signal)
    return running.result
  }
  const imported = async (before: readonly StoredEvent[]) => (await eventsOf(target)).slice(before.length)

  test('goes on after SIGKILL and repeats no event, with the deduplication window passed', async () => {
    const before = await eventsOf(target)
    const killed = await interruptedBehind(2_000, start(NO_WINDOW), 'SIGKILL')
    expect(killed.code).toBeNull()
    const resumed = await start(NO_WINDOW).result
    expect(resumed).toMatchObject({ code: 0, stderr: '' })
    const report = JSON.parse(resumed.stdout)
    expect(report).toMatchObject({ status: 'done', imported: COUNT + 1 })
    expect(report.resumed_behind_row).toBeGreaterThanOrEqual(2_000)
    expect(pricesOf(await imported(before))).toEqual(upTo(COUNT + 1))
    expect(existsSync(`${path}.tradpal-import.json`)).toBe(false)
  })

  test('finds the batch that was appended and not counted, with the deduplication window passed', async () => {
    const before = await eventsOf(target)
    await interruptedBehind(2_000, start(NO_WINDOW), 'SIGKILL')
    // The crash between an append and the writing of its progress leaves the progress of the batch before.
    const progress = await progressOf()
    const row = progress.row - 500
    const position = (await imported(before))[row - 1]?.messageId
    await writeFile(`${path}.tradpal-import.json`, JSON.stringify({ ...progress, row, imported: row, position }))

    const resumed = await start(NO_WINDOW).result
    expect(JSON.parse(resumed.stdout)).toMatchObject({ status: 'done', imported: COUNT + 1, resumed_behind_row: row })
    expect(JSON.parse(resumed.stdout).found).toBeGreaterThanOrEqual(500)
    expect(pricesOf(await imported(before))).toEqual(upTo(COUNT + 1))
  })

  test('ends with 130 at SIGINT, behind a whole batch, and goes on', async () => {
    const before = await eventsOf(target)
    const interrupted = await interruptedBehind(1_000, start(), 'SIGINT')
    expect(interrupted.code).toBe(130)
    const { row, imported: counted } = await progressOf()
    expect(JSON.parse(interrupted.stdout)).toMatchObject({ status: 'interrupted', imported: counted })
    expect(await imported(before)).toHaveLength(row)
    const resumed = await start(NO_WINDOW).result
    expect(JSON.parse(resumed.stdout)).toMatchObject({ found: 0, resumed_behind_row: row })
    expect(pricesOf(await imported(before))).toEqual(upTo(COUNT + 1))
  })
})

describe('the progress of an interrupted import', () => {
  test('is refused for a file that changed, other options, another log and a foreign file; --restart begins anew', async () => {
    await using target = await sqliteTarget()
    const path = await writeEvents(folder, 30_000)
    const importing = startCommand(['import', path, ...target.options])
    await waitFor(async () => JSON.parse(await readFile(`${path}.tradpal-import.json`, 'utf8')).row > 0)
    importing.child.kill('SIGKILL')
    await importing.result
    const attempt = async (...args: string[]) => runCommand(['import', path, ...args])

    const otherOptions = await attempt('--source', 'x', ...target.options)
    expect(otherOptions).toMatchObject({ code: 2, stderr: expect.stringContaining('with other options') })
    const otherLog = await attempt('--log', join(folder, 'other.db'))
    expect(otherLog).toMatchObject({ code: 2, stderr: expect.stringMatching(/was interrupted .* into .*events\.db/) })
    await appendFile(path, `${JSON.stringify(price(0))}\n`)
    const changed = await attempt(...target.options)
    expect(changed).toMatchObject({ code: 2, stderr: expect.stringContaining('with other content') })
    await writeFile(`${path}.tradpal-import.json`, '{"version":99}')
    const foreign = await attempt(...target.options)
    expect(foreign).toMatchObject({ code: 2, stderr: expect.stringContaining('--restart begins anew') })

    const restarted = await attempt('--restart', '--json', '--log', join(folder, 'other.db'))
    expect(JSON.parse(restarted.stdout)).toMatchObject({ status: 'done', imported: 30_001, resumed_behind_row: 0 })
  })

  test('counts the refused rows of the earlier run', async () => {
    await using target = await sqliteTarget()
    const path = join(folder, 'events.ndjson')
    await writeFile(path, 'wrong\n')
    await appendFile(path, await readFile(await writeEvents(folder, 30_000, 'good.ndjson')))
    const first = startCommand(['import', path, '--skip-invalid', ...target.options])
    await waitFor(async () => JSON.parse(await readFile(`${path}.tradpal-import.json`, 'utf8')).row > 0)
    first.child.kill('SIGKILL')
    await first.result
    const { code, stdout } = await runCommand(['import', path, '--skip-invalid', '--json', ...target.options])
    expect(code).toBe(3)
    expect(jsonLines(stdout)).toEqual([expect.objectContaining({ imported: 30_000, refused: 1 })])
  })
})
