import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createEvent, EventSystem, type JsonValue, type StoredEvent } from '@tradpal/event-system'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { runCommand, temporaryFolder } from './support/command.ts'
import { type CommandTarget, redisTarget, serviceTarget, sqliteTarget } from './support/targets.ts'

const text = fc.oneof(
  fc.constantFrom(
    ...['', ' ', 'null', 'true', '000123', '73928e03', '1.50', '-5', '2024-01-31', '{"a":1}', '[1]', '"quoted"'],
    ...['=cmd()', '+1+2', '@SUM(1)', 'a;=cmd()', 'two\nlines', '\u001b[2J', '\u202e', '\ufffd', '\ufeff', 'a,b\t;"c"']
  ),
  fc.string({ unit: 'grapheme' })
)
const number = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0)
)
const scalar: fc.Arbitrary<JsonValue> = fc.oneof(text, number, fc.boolean(), fc.constant(null))
const value: fc.Arbitrary<JsonValue> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(text, scalar, { maxKeys: 3 }).map((one) => ({ ...one }))
)
const event = fc.record({
  type: fc.constantFrom('risk_alert', 'backtest_complete', 'backtest_completed', 'system_health'),
  micros: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  source: text,
  data: fc.record({ note: value, symbol: fc.constantFrom('BTC/USDT', '0700') }, { requiredKeys: [] }),
  metadata: fc.record({ tag: value, correlation_id: text }, { requiredKeys: [] })
})

/** All that an event says; of a log, without its place. */
const saidBy = (events: readonly StoredEvent[]) => events.map(({ messageId, ...event }) => ({ ...event }))

async function eventsOf(target: CommandTarget): Promise<StoredEvent[]> {
  await using system = await target.openSystem()
  return await Array.fromAsync(system.readEvents({ raw: true }))
}

type Made = typeof event extends fc.Arbitrary<infer One> ? One : never

async function publish(target: CommandTarget, made: readonly Made[]): Promise<void> {
  const logPath = target.options[1] as string
  await using system = new EventSystem({ logPath, validation: 'off', environment: {} })
  await system.initialize()
  const events = made.map(({ type, micros, data, ...rest }) => {
    const timestamp = new Date(micros).toISOString().replace('Z', String(Math.abs(micros) % 1_000).padStart(3, '0'))
    return createEvent(type, { ...data }, { ...rest, timestamp, validation: 'off' })
  })
  await system.publishBatch(events)
}

describe('what export writes', () => {
  const every = 'event_type,event_id,timestamp,source,data.note,data.symbol,metadata.tag,metadata.correlation_id'
  test.each([
    ['events.ndjson', []],
    ['events.csv', []],
    ['events.ndjson.gz', []],
    ['events.csv.gz', []],
    ['columns.csv', ['--columns', every]]
  ])('is read by import to the last digit: %s', async (name, options) => {
    const property = fc.asyncProperty(fc.array(event, { minLength: 150, maxLength: 150 }), async (made) => {
      await using source = await sqliteTarget()
      await publish(source, made)
      const path = join(await temporaryFolder(), name)
      const exported = await runCommand(['export', '-o', path, ...options, ...source.options])
      expect(exported.code).toBe(0)
      expect((await readFile(path)).subarray(0, 2).toString('hex') === '1f8b').toBe(name.endsWith('.gz'))

      await using copy = await sqliteTarget()
      const env = { EVENT_VALIDATION: 'off' }
      const { code, stderr, stdout } = await runCommand(['import', path, ...copy.options], { env })
      expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: '150 events imported\n' })
      expect(saidBy(await eventsOf(copy))).toEqual(saidBy(await eventsOf(source)))
    })
    await fc.assert(property, { numRuns: 1, endOnFailure: true })
  })

  test('keeps the name under which an event was sent', async () => {
    await using source = await sqliteTarget()
    await using copy = await sqliteTarget()
    await using system = await source.openSystem()
    await system.publishEvent(createEvent('backtest_complete', {}, { validation: 'platform' }))
    const path = join(await temporaryFolder(), 'events.csv')
    await runCommand(['export', '-o', path, ...source.options])
    await runCommand(['import', path, ...copy.options])
    expect(await eventsOf(copy)).toMatchObject([{ eventType: 'backtest_completed', wireType: 'backtest_complete' }])
  })

  test('is read by import over a service, bigints included', async () => {
    await using source = await sqliteTarget()
    await using copy = await serviceTarget()
    const data = { note: 10996216051743211n, text: '10996216051743211' }
    await using system = await source.openSystem()
    await system.publishEvent(createEvent('system_health' as string, data, { source: 'a', timestamp: 0 }))
    const path = join(await temporaryFolder(), 'events.csv')
    await runCommand(['export', '-o', path, ...source.options])
    expect((await runCommand(['import', path, ...copy.options])).stderr).toBe('')
    expect(saidBy(await eventsOf(copy))).toEqual(saidBy(await eventsOf(source)))
  })

  test('as columns without the type or the time is refused with what helps', async () => {
    await using source = await sqliteTarget()
    await publish(source, fc.sample(event, 1))
    const folder = await temporaryFolder()
    for (const [columns, sentence] of [
      ['timestamp,data.note', /without the column event_type: give --type/],
      ['event_type,data.note', /without the column timestamp/]
    ] as const) {
      const path = join(folder, 'a.csv')
      await runCommand(['export', '-o', path, '--columns', columns, ...source.options])
      const { code, stderr } = await runCommand(['import', path, '--log', join(folder, 'a.db')])
      expect(stderr).toMatch(sentence)
      expect(code).toBe(2)
    }
  })
})

test('export leaves out what others wrote into the log and is no event, and says how many entries that are', async () => {
  await using target = await redisTarget()
  const folder = await temporaryFolder()
  await runCommand(['publish', 'risk_alert', ...target.options])
  const client = redisClient(target.options[1] as string)
  await client.connect()
  for (const event of ['no JSON', '{"event_type": "risk_alert"}']) await client.xAdd('cli_events', '*', { event })
  await client.close()
  const file = join(folder, 'events.csv')
  expect(await runCommand(['export', '--output', file, ...target.options])).toMatchObject({
    code: 0,
    stderr: `1 event exported to ${file}\n2 entries of the log are no valid event, and not in the export.\n`
  })
  expect((await runCommand(['export', ...target.options])).stderr).toMatch(/^2 entries of the log are no valid event/)
  const { stdout } = await runCommand(['export', '--output', file, '--json', ...target.options])
  expect(JSON.parse(stdout)).toEqual({ status: 'exported', file, events: 1, passed_over: 2 })
})
