import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '@tradpal/event-system/testing'
import { createEvent, knownEventTypes, toWire } from '@tradpal/events'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { jsonLines, runCommand, runHere, runProcess, temporaryFolder } from './support/command.ts'
import {
  type CommandTarget,
  publishLines,
  redisTarget,
  serviceProcess,
  serviceTarget,
  sqliteTarget
} from './support/targets.ts'

const signal = (symbol: string, confidence: number) => ({
  event_type: 'trading_signal',
  source: 'ml_service',
  data: { symbol, signal: 'BUY', confidence }
})

/**
 * Over both logs: the command opens each by options of its own. What it then does is the same, and the library is tested over both:
 * dead letters, groups, keys and trimming are tested over an embedded log and a service.
 */
describe.each([
  ['an embedded log', sqliteTarget],
  ['a log in Redis', redisTarget],
  ['a service', () => serviceTarget()]
])('over %s', (_, open) => {
  let target: CommandTarget
  let messageIds: string[]
  const run = (...args: string[]) => runCommand([...args, ...target.options])

  beforeAll(async () => {
    target = await open()
    messageIds = await publishLines(target, [
      signal('BTC/USDT', 0.1),
      { event_type: 'market_data_update', data: { symbol: 'ETH/USDT', price: 3000 } },
      signal('ETH/USDT', 0.2),
      signal('BTC/USDT', 0.3)
    ])
  })
  afterAll(() => target?.[Symbol.asyncDispose]())

  test('publish takes one event from its options and prints its message id; the same again is told, and another under its id is refused', async () => {
    const own = await open()
    onTestFinished(() => own[Symbol.asyncDispose]())
    const data = '{"symbol": "BTC/USDT", "signal": "BUY"}'
    const one = ['publish', 'trading_signal', '--data', data, '--source', 'me', '--event-id', 'mine', ...own.options]
    const { code, stdout } = await runCommand([
      ...one,
      '--metadata',
      '{"run": 7}',
      '--timestamp',
      '2026-01-02T03:04:05Z'
    ])
    expect(code).toBe(0)
    const messageId = stdout.trim()
    const again = await runCommand([...one, '--json'])
    expect(JSON.parse(again.stdout)).toEqual({
      message_id: messageId,
      event_id: 'mine',
      status: 'published',
      duplicate: true
    })
    const forPeople = await runCommand(one)
    expect(forPeople).toMatchObject({ stdout: `${messageId}\n`, stderr: '1 of 1 had been published before\n' })
    const other = await runCommand([...one, '--data', '{"symbol": "BTC/USDT", "signal": "SELL"}'])
    expect(other).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: .*"mine".*\(event_id_conflict\)\n$/)
    })

    await using system = await own.openSystem()
    expect(await system.getEvents({ raw: true })).toEqual([
      {
        messageId,
        eventType: 'trading_signal',
        eventId: 'mine',
        timestamp: '2026-01-02T03:04:05.000+00:00',
        source: 'me',
        data: { symbol: 'BTC/USDT', signal: 'BUY' },
        metadata: { run: 7 }
      }
    ])
  })

  test('publish of NDJSON names the line whose event id stands for another event, and publishes the rest of its unit', async () => {
    const own = await open()
    onTestFinished(() => own[Symbol.asyncDispose]())
    const line = (event_id: string, price: number) => JSON.stringify({ ...signal('BTC/USDT', price), event_id })
    const publish = (...lines: string[]) => runCommand(['publish', ...own.options], { input: `${lines.join('\n')}\n` })
    expect((await publish(line('a', 0.1))).code).toBe(0)
    const { code, stderr } = await publish(line('b', 0.2), '', line('a', 0.9), line('c', 0.3))
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error: standard input, line 3: Event 1 of the batch: .*"a".*\(event_id_conflict\)\n$/)
    await using system = await own.openSystem()
    expect((await system.getEvents()).map(({ eventId }) => eventId)).toEqual(['a', 'b', 'c'])
  })

  test('publish prints the message ids of NDJSON in its order', () => {
    expect(messageIds).toHaveLength(4)
    expect(new Set(messageIds).size).toBe(4)
  })

  test('events shows the newest, oldest first, as NDJSON', async () => {
    const { code, stdout } = await run('events', '--limit', '2', '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toEqual([
      expect.objectContaining({ message_id: messageIds[2], ...signal('ETH/USDT', 0.2), metadata: {} }),
      expect.objectContaining({ message_id: messageIds[3], ...signal('BTC/USDT', 0.3), metadata: {} })
    ])
  })

  test('events shows people a table without colours when it is no terminal', async () => {
    const { stdout } = await run('events')
    expect(stdout.split('\n')[0]).toMatch(/^MESSAGE ID +TIME \(UTC\) +TYPE +SYMBOL +SOURCE +DATA$/)
    expect(stdout).toContain('{"price":3000}')
    expect(stdout).not.toContain('\u001b')
  })

  test.each([
    ['a type', ['--type', 'market_data_update'], [1]],
    ['several types', ['--type', 'market_data_update,trading_signal'], [0, 1, 2, 3]],
    ['a symbol', ['--symbol', 'ETH/USDT'], [1, 2]],
    ['several symbols', ['--symbol', 'ETH/USDT', '--symbol', 'NONE'], [1, 2]],
    ['several symbols in one', ['--symbols', 'ETH/USDT,NONE'], [1, 2]],
    ['a symbol and a limit', ['--symbol', 'BTC/USDT', '--limit', '1'], [3]],
    ['a start', ['--start', '1h', '--limit', '1'], [0]],
    ['an end', ['--end', '2001-01-01'], []]
  ])('events narrows by %s', async (_, options, expected) => {
    const { stdout } = await run('events', '--json', ...options)
    expect(jsonLines(stdout).map(({ message_id }) => message_id)).toEqual(expected.map((index) => messageIds[index]))
  })

  test('events begins behind a message id', async () => {
    const { stdout } = await run('events', '--json', '--after', messageIds[1] as string)
    expect(jsonLines(stdout).map(({ message_id }) => message_id)).toEqual(messageIds.slice(2))
  })

  test('events shows the stream of a key, with the version of each, from a version on', async () => {
    const own = await open()
    onTestFinished(() => own[Symbol.asyncDispose]())
    const runOwn = (...args: string[]) => runCommand(['events', ...args, ...own.options])
    await using system = await own.openSystem()
    const orders = ['AAPL', 'MSFT', 'AAPL'].map((symbol) =>
      createEvent('order_executed', { symbol, side: 'BUY', quantity: 1, price: 2 })
    )
    const messageIds = await system.publishBatch(orders, { streamKey: 'account 7/a' })
    await system.publish(createEvent('system_health'))
    const stream = jsonLines((await runOwn('--stream-key', 'account 7/a', '--json')).stdout)
    expect(stream).toEqual(orders.map((order, i) => ({ message_id: messageIds[i], version: i + 1, ...toWire(order) })))
    const rest = await runOwn('--stream-key', 'account 7/a', '--from-version', '2', '--limit', '1', '--json')
    expect(jsonLines(rest.stdout)).toMatchObject([{ version: 2 }])
    const { stdout } = await runOwn('--stream-key', 'account 7/a')
    expect(stdout.split('\n')[0]).toMatch(/^VERSION +MESSAGE ID +TIME \(UTC\) +TYPE +SYMBOL +SOURCE +DATA$/)
    expect(stdout.split('\n')[2]).toMatch(new RegExp(`^2 +${messageIds[1]} +.*order_executed +MSFT `))
    expect(await runOwn('--stream-key', 'account-8')).toMatchObject({ code: 0, stdout: '', stderr: 'no events\n' })
    expect(await runOwn('--stream-key', '')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/A stream key must/)
    })
  })

  test('replay prints a range, and counts it', async () => {
    const replayed = await run('replay', '--json', '--type', 'trading_signal')
    expect(jsonLines(replayed.stdout).map(({ message_id }) => message_id)).toEqual([0, 2, 3].map((i) => messageIds[i]))
    const counted = await run('replay', '--count', '--json')
    expect(JSON.parse(counted.stdout)).toEqual({ status: 'replay_complete', events_replayed: 4 })
    const ofSymbol = await run('replay', '--count', '--symbol', 'ETH/USDT')
    expect(ofSymbol.stdout).toBe('2\n')
  })

  test('export writes NDJSON that publish can read', async () => {
    const { stdout } = await run('export')
    expect(jsonLines(stdout).map(({ message_id }) => message_id)).toEqual(messageIds)
    await using copy = await sqliteTarget()
    const published = await runCommand(['publish', ...copy.options], { input: stdout })
    expect(published.code).toBe(0)
    const again = await runCommand(['export', ...copy.options])
    const withoutPlaces = (text: string) => jsonLines(text).map(({ message_id, ...event }) => event)
    expect(withoutPlaces(again.stdout)).toEqual(withoutPlaces(stdout))
  })

  test('export writes CSV with the columns that are asked for, to a file that appears when it is whole', async () => {
    const file = join(await temporaryFolder(), 'signals.csv')
    const { code, stdout } = await run(
      'export',
      '-o',
      file,
      '--json',
      '--columns',
      'message_id,data.symbol,data.price,data'
    )
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ status: 'exported', file, events: 4, passed_over: 0 })
    const lines = (await readFile(file, 'utf8')).split('\n')
    expect(lines[0]).toBe('message_id,data.symbol,data.price,data')
    expect(lines[2]).toBe(`${messageIds[1]},ETH/USDT,3000,"{""symbol"":""ETH/USDT"",""price"":3000}"`)
    expect(lines).toHaveLength(6)
  })

  test('stats says how the log stands', async () => {
    const { stdout } = await run('stats', '--json')
    const stats = JSON.parse(stdout)
    expect(stats).toMatchObject({
      stream_length: 4,
      first_entry: messageIds[0],
      last_entry: messageIds[3],
      consumer_groups: 0
    })
    expect(stats).toMatchObject({ groups: [], dead_letters: 0, bytes: expect.any(Number) })
    const { stdout: shown } = await run('stats')
    expect(shown).toMatch(/^events +4$/m)
    const counts = stats.last_hour as Record<string, number> | null
    const total = Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0)
    expect(total).toBe(counts === null ? 0 : 4)
    expect(shown).toMatch(counts === null ? /^in the last hour +-$/m : /^in the last hour +\w+ \d/m)
  })

  test('types lists the event types', async () => {
    const { stdout } = await run('types', '--json')
    expect(JSON.parse(stdout).event_types).toEqual(knownEventTypes())
    expect((await run('types')).stdout).toMatch(/^trading_signal +What a strategy/m)
  })

  test('health ends with 0 when all is well', async () => {
    const { code, stdout } = await run('health', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'healthy' })
    expect((await run('health')).stdout).toMatch(/^healthy$/m)
  })

  test('tail shows the newest and ends when it shall not follow', async () => {
    const { code, stdout } = await run('tail', '-n', '2', '--no-follow', '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout).map(({ message_id }) => message_id)).toEqual(messageIds.slice(2))
  })

  test.each([
    ['the start', () => 'start', 0],
    ['a message id', () => messageIds[1] as string, 2],
    ['a time', () => '1h', 0]
  ])('tail begins at %s', async (_, from, first) => {
    const { stdout } = await run('tail', '--from', from(), '--count', String(4 - first), '--json')
    expect(jsonLines(stdout).map(({ message_id }) => message_id)).toEqual(messageIds.slice(first))
    const ended = await run('tail', '--from', from(), '--no-follow', '--json')
    expect(jsonLines(ended.stdout).map(({ message_id }) => message_id)).toEqual(messageIds.slice(first))
  })

  test('tail follows what comes, filtered, and ends with 130 when it is interrupted', async () => {
    const own = await open()
    onTestFinished(() => own[Symbol.asyncDispose]())
    await publishLines(own, [signal('BTC/USDT', 0.9)])
    const tail = runHere([
      'tail',
      '-n',
      '1',
      '--type',
      'trading_signal',
      '--symbol',
      'BTC/USDT',
      '--json',
      ...own.options
    ])
    await waitFor(() => tail.stdout().includes(':0.9'))
    const ids = await publishLines(own, [signal('ETH/USDT', 0.5), signal('BTC/USDT', 0.7)])
    await waitFor(() => tail.stdout().includes(':0.7'))
    tail.interrupt()
    const { code, stdout, stderr } = await tail.result
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    expect(
      jsonLines(stdout)
        .map(({ message_id }) => message_id)
        .slice(1)
    ).toEqual([ids[1]])
  })

  test('tail begins with what comes', async () => {
    const tail = runHere(['tail', '--count', '1', '--json', ...target.options])
    let hasEnded = false
    void tail.result.then(() => {
      hasEnded = true
    })
    const later: string[] = []
    await waitFor(
      async () => {
        later.push(...(await publishLines(target, [{ event_type: 'system_health' }])))
        return hasEnded
      },
      { timeoutMs: 15_000 }
    )
    const [shown] = jsonLines((await tail.result).stdout)
    expect(later).toContain(shown?.message_id)
  })

  test('a type that the operator registered is published and read', async () => {
    const types = join(await temporaryFolder(), 'types.json')
    await writeFile(types, '{"order_cancelled": {"type": "object"}}')
    const env = { EVENT_TYPES_FILE: types }
    const own = _ === 'a service' ? await serviceProcess(env) : await open()
    onTestFinished(() => own[Symbol.asyncDispose]())
    const withTypes = _ === 'a service' ? {} : { env }
    const published = await runProcess(
      ['publish', 'order_cancelled', '--data', '{"order": 1}', ...own.options],
      withTypes
    )
    expect(published).toMatchObject({ code: 0, stderr: '' })
    const read = await runProcess(['events', '--type', 'order_cancelled', '--json', ...own.options], withTypes)
    expect(jsonLines(read.stdout)).toEqual([expect.objectContaining({ data: { order: 1 } })])
  })
})
