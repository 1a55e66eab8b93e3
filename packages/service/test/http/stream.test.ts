import { setImmediate } from 'node:timers/promises'
import { createEvent, type Event } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { startRedis } from '../../../../test/support/start-redis.ts'
import { SseReader } from './support/sse-reader.ts'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

const event = (symbol = 'BTC/USDT', note = ''): Event =>
  createEvent('trading_signal', { symbol, signal: 'BUY', reason: note })
const events = (count: number, symbol?: string, note?: string) =>
  Array.from({ length: count }, () => event(symbol, note))
const metric = async (url: string, line: RegExp) => Number((await get(`${url}/metrics`)).text.match(line)?.[1])

describe.each(LOGS)('the stream, over %s', (log) => {
  test('says at once where it stands, then brings each event as it is published', async () => {
    const { url } = await serviceOver(log)
    const empty = await SseReader.open(`${url}/events/stream`)
    await waitFor(() => empty.frames.length === 1)
    const first = await post(`${url}/events`, signal())
    const reader = await SseReader.open(`${url}/events/stream`)
    await waitFor(() => reader.frames.length === 1)
    const second = await post(`${url}/events`, signal('ETH'))

    const [received] = await reader.untilEvents(1)

    expect(empty.frames[0]).toEqual({ id: '0-0', event: 'position', data: { message_id: '0-0' } })
    const id = first.body.message_id
    expect(reader.frames[0]).toEqual({ id, event: 'position', data: { message_id: id } })
    expect(received).toEqual({
      id: second.body.message_id,
      event: 'trading_signal',
      data: (await get(`${url}/events/${second.body.message_id}`)).body
    })
    expect((await empty.untilEvents(2)).map(({ id }) => id)).toEqual([id, second.body.message_id])
    expect(reader.response.headers['content-type']).toMatch('text/event-stream')
    expect(reader.response.headers['cache-control']).toMatch('no-cache')
  })

  test('resumes behind a message id, from `after` or Last-Event-ID, which wins, and from the start', async () => {
    const { url, system } = await serviceOver(log)
    const ids = await system.publishBatch(events(5))

    const [after, header, start, zero] = await Promise.all([
      SseReader.open(`${url}/events/stream?after=${ids[2]}`),
      SseReader.open(`${url}/events/stream?after=${ids[0]}`, { 'last-event-id': ids[3] ?? '' }),
      SseReader.open(`${url}/events/stream?after=start`),
      SseReader.open(`${url}/events/stream?after=0-0`)
    ])

    await Promise.all([after.untilEvents(2), header.untilEvents(1), start.untilEvents(5), zero.untilEvents(5)])
    expect(after.ids).toEqual(ids.slice(3))
    expect(header.ids).toEqual(ids.slice(4))
    expect(start.ids).toEqual(ids)
    expect(zero.ids).toEqual(ids)
    expect(after.frames[0]).toMatchObject({ event: 'position', id: ids[2] })
  })

  test('a reader that breaks and resumes again and again misses nothing and gets nothing twice while others publish', async () => {
    const { url, system } = await serviceOver(log)
    const published: string[] = []
    let publishing = true
    const publisher = (async () => {
      // The embedded log appends without waiting for anything: the readers need their turn.
      for (; publishing; await setImmediate()) published.push(...(await system.publishBatch(events(20))))
    })()

    const received: (string | undefined)[] = []
    let position: string | undefined
    for (let round = 0; round < 15; round++) {
      const reader = await SseReader.open(
        `${url}/events/stream`,
        position === undefined ? {} : { 'last-event-id': position }
      )
      await waitFor(() => reader.frames.length > 20 * round)
      reader.close()
      received.push(...reader.ids)
      position = reader.frames.at(-1)?.id
    }
    publishing = false
    await publisher
    const last = await SseReader.open(`${url}/events/stream`, { 'last-event-id': position ?? '' })
    const first = published.indexOf(received[0] ?? '')
    await last.untilEvents(published.length - first - received.length)
    received.push(...last.ids)

    expect(first).toBeGreaterThanOrEqual(0)
    expect(received).toEqual(published.slice(first))
  })

  test('filters by several types and by symbol', async () => {
    const { url, system } = await serviceOver(log)
    const readers = await Promise.all(
      [
        'event_type=trading_signal,risk_alert',
        'event_type=trading_signal&event_type=risk_alert',
        'symbol=ETH',
        'event_type=risk_alert',
        'symbol=BTC&symbol=ETH'
      ].map((query) => SseReader.open(`${url}/events/stream?after=start&${query}`))
    )
    const alert = createEvent('risk_alert', { message: 'careful' })
    const price = createEvent('market_data_update', { symbol: 'ETH', price: 1 })
    const end = createEvent('risk_alert', { message: 'end', symbol: 'ETH' })

    const [a, b, c, d, e] = await system.publishBatch([event('BTC'), event('ETH'), alert, price, end])

    await Promise.all(readers.map((reader) => waitFor(() => reader.ids.at(-1) === e)))
    expect(readers.map(({ ids }) => ids)).toEqual([
      [a, b, c, e],
      [a, b, c, e],
      [b, d, e],
      [c, e],
      [a, b, d, e]
    ])
  })

  test('a heartbeat says that it lives, and how far it has read where nothing matched', async () => {
    const { url, system } = await serviceOver(log, { EVENT_HEARTBEAT_INTERVAL_MS: '20' })
    const reader = await SseReader.open(`${url}/events/stream?event_type=risk_alert`)
    await waitFor(() => reader.comments >= 2)
    const positions = () => reader.frames.filter((frame) => frame.event === 'position').map(({ id }) => id)
    expect(positions()).toEqual(['0-0'])

    const ids = await system.publishBatch(events(3))

    await waitFor(() => positions().at(-1) === ids[2])
    const alert = await system.publishEvent(createEvent('risk_alert', { message: 'careful' }))
    expect((await reader.untilEvents(1))[0]?.id).toBe(alert)
    const beats = reader.comments
    await waitFor(() => reader.comments > beats + 2)
    expect(positions().at(-1)).toBe(ids[2])
  })

  test('a reader that is fast gets a backlog far above the buffer whole', async () => {
    const { url, system } = await serviceOver(log, { EVENT_STREAM_MAX_BUFFER_BYTES: '65536' })
    const ids = await system.publishBatch(events(3_000, 'A', 'x'.repeat(2_000)))

    const reader = await SseReader.open(`${url}/events/stream?after=start`)

    await reader.untilEvents(3_000)
    expect(reader.ids).toEqual(ids)
    expect(await metric(url, /streams_cut_off_total (\d+)/)).toBe(0)
  })

  test('a reader that takes nothing is cut off, counted, and can resume', async () => {
    const { url, system } = await serviceOver(log, { EVENT_STREAM_MAX_BUFFER_BYTES: '65536' })
    const slow = await SseReader.open(`${url}/events/stream`)
    await waitFor(() => slow.frames.length === 1)
    slow.response.pause()
    const fast = await SseReader.open(`${url}/events/stream`)
    await waitFor(() => fast.frames.length === 1)

    const ids: string[] = []
    for (let i = 0; i < 12; i++) ids.push(...(await system.publishBatch(events(500, 'A', 'x'.repeat(4_000)))))

    await waitFor(async () => (await metric(url, /streams_cut_off_total (\d+)/)) === 1)
    expect((await get(`${url}/health`)).body.open_streams).toBe(1)
    slow.response.resume()
    await waitFor(() => slow.ended)
    expect(slow.ids.length).toBeLessThan(ids.length)
    const resumed = await SseReader.open(`${url}/events/stream`, { 'last-event-id': slow.ids.at(-1) ?? '' })
    await resumed.untilEvents(ids.length - slow.ids.length)
    expect([...slow.ids, ...resumed.ids]).toEqual(ids)
    expect((await fast.untilEvents(ids.length)).length).toBe(ids.length)
  })

  test('a reader that goes away leaves nothing behind', async () => {
    const { url } = await serviceOver(log)
    const readers = await Promise.all(Array.from({ length: 10 }, () => SseReader.open(`${url}/events/stream`)))
    await waitFor(() => readers.every(({ frames }) => frames.length === 1))
    const subscribers = () => metric(url, /event_service_active_subscribers (\d+)/)
    expect(await subscribers()).toBe(10)

    for (const reader of readers) reader.close()

    await waitFor(async () => (await subscribers()) === 0)
    expect((await get(`${url}/health`)).body.open_streams).toBe(0)
  })

  test('ends cleanly when the service stops, with everything that was published before', async () => {
    const service = await serviceOver(log)
    const reader = await SseReader.open(`${service.url}/events/stream`)
    await waitFor(() => reader.frames.length === 1)
    const { body } = await post(`${service.url}/events`, signal())
    await reader.untilEvents(1)

    const started = performance.now()
    await service.close()

    await waitFor(() => reader.ended)
    expect(reader.response.complete).toBe(true)
    expect(reader.ids).toEqual([body.message_id])
    expect(performance.now() - started).toBeLessThan(15_000)
  })

  test('a replay stops when its reader goes away, and waits for one that is slow', async () => {
    const { url, system } = await serviceOver(log)
    await system.publishBatch(events(5_000, 'A', 'x'.repeat(4_000)))
    const leaving = new AbortController()
    const accept = { accept: 'application/x-ndjson' }
    const init = { method: 'POST', headers: accept, signal: leaving.signal }
    const slow = await fetch(`${url}/events/replay`, init)
    const paced = await fetch(`${url}/events/replay?speed=0.0001`, init)
    expect([slow.status, paced.status]).toEqual([200, 200])
    const whole = await fetch(`${url}/events/replay`, { method: 'POST', headers: accept })

    leaving.abort()

    const lines = (await whole.text()).trimEnd().split('\n')
    expect(lines).toHaveLength(5_000)
    expect((await post(`${url}/events/replay`)).body.events_replayed).toBe(5_000)
  })
})

test('while Redis is away a stream stays open with heartbeats, and brings what came meanwhile when it is there again', async () => {
  const redis = await startRedis({ config: { appendonly: 'yes', appendfsync: 'always' } })
  onTestFinished(() => redis.stop())
  const environment = { REDIS_URL: redis.url, EVENT_LOG_TIMEOUT_MS: '500', EVENT_HEARTBEAT_INTERVAL_MS: '50' }
  const { url } = await serviceOver('redis', environment)
  const reader = await SseReader.open(`${url}/events/stream`)
  await waitFor(() => reader.frames.length === 1)
  await post(`${url}/events`, signal('BEFORE'))
  await waitFor(() => reader.events.length === 1)

  await redis.kill()

  await waitFor(async () => (await get(`${url}/health`)).status === 503)
  expect((await get(`${url}/health`)).body).toMatchObject({
    status: 'unhealthy',
    log: { reachable: false, reason: expect.any(String) }
  })
  const refused = await post(`${url}/events`, signal())
  expect(refused).toMatchObject({ status: 503, body: { code: 'log_unavailable' } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await get(`${url}/events`)).toMatchObject({ status: 503, body: { code: 'log_unavailable' } })
  const beats = reader.comments
  await waitFor(() => reader.comments >= beats + 5)
  expect(reader.ended).toBe(false)

  await redis.restart()
  await waitFor(async () => (await post(`${url}/events`, signal('AFTER'))).status === 200)
  await waitFor(() => reader.events.length >= 2)
  expect(reader.events.map(({ data }) => data.data.symbol)).toEqual(['BEFORE', 'AFTER'])
})

test('a log that no waiting mends ends the stream with a frame that carries the problem', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const { url } = await serviceOver('redis', { REDIS_URL: redis.url, EVENT_STREAM_NAME: 'broken' })
  await post(`${url}/events`, signal())
  const reader = await SseReader.open(`${url}/events/stream`)
  await waitFor(() => reader.frames.length === 1)
  const client = await redisClient(redis.url).connect()
  onTestFinished(() => client.destroy())
  await client.multi().del('broken').set('broken', 'no stream').exec()

  await waitFor(() => reader.ended)
  expect(reader.frames.at(-1)).toMatchObject({ event: 'error', data: { code: 'log_incompatible' } })
})
