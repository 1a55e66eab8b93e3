import { EventType } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/
const MESSAGE_ID = /^\d+-\d+$/

describe.each(LOGS)('the endpoints, over %s', (log) => {
  test('POST /events needs an event type alone, and the event can be read back', async () => {
    const { url } = await serviceOver(log)

    const published = await post(`${url}/events`, {
      event_type: 'system_health',
      data: { service: 'a', status: 'healthy' }
    })

    expect(published.status).toBe(200)
    expect(published.body).toEqual({
      message_id: expect.stringMatching(MESSAGE_ID),
      event_id: expect.stringMatching(UUID),
      status: 'published'
    })
    const read = await get(`${url}/events/${published.body.message_id}`)
    expect(read.body).toEqual({
      message_id: published.body.message_id,
      event_type: 'system_health',
      event_id: published.body.event_id,
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/),
      source: '',
      data: { service: 'a', status: 'healthy' },
      metadata: {}
    })
  })

  test('an event of the year 2150 is taken, and flagged in the answer and in the metrics', async () => {
    const { url } = await serviceOver(log)
    const event = { ...signal(), timestamp: '2150-01-01T00:00:00.000+00:00' }
    expect((await post(`${url}/events`, event)).body).toMatchObject({ status: 'published', timestamp_ahead: true })
    const batch = await post(`${url}/events/batch`, [signal(), { ...event, event_id: 'another' }])
    expect(batch.body).toMatchObject({ status: 'published', count: 2, timestamp_ahead: true })
    expect((await post(`${url}/events`, signal())).body).not.toHaveProperty('timestamp_ahead')
    const metrics = await fetch(`${url}/metrics`).then((answer) => answer.text())
    expect(metrics).toMatch(/^event_service_events_ahead_total 2$/m)
  })

  test('an event goes through unchanged: unicode, nesting, 1e-8 and whole numbers to 2^53', async () => {
    const { url } = await serviceOver(log)
    const data = {
      symbol: 'ETH',
      signal: 'SELL',
      note: 'größer 🚀 \u2028',
      deep: [{ a: [null, true, 1e-8] }],
      n: 9007199254740991,
      __proto: 1
    }
    const event = {
      ...signal(),
      event_id: 'mine',
      timestamp: '2026-11-23T08:49:10.123456',
      data,
      metadata: { trace: 'x' }
    }

    const { body } = await post(`${url}/events`, event)

    const read = await get(`${url}/events/${encodeURIComponent(body.message_id)}`)
    expect(read.body).toEqual({ ...event, timestamp: '2026-11-23T08:49:10.123456+00:00', message_id: body.message_id })
  })

  test('the same event id again is answered with the first message id and duplicate: true', async () => {
    const { url } = await serviceOver(log)
    const event = { ...signal(), event_id: 'once' }

    const [first, second] = [await post(`${url}/events`, event), await post(`${url}/events`, event)]

    expect(first.body).not.toHaveProperty('duplicate')
    expect(second.body).toEqual({ ...first.body, duplicate: true })
    expect((await get(`${url}/events/stats`)).body.stream_length).toBe(1)
  })

  test('the convenience endpoints make the event that the contract says', async () => {
    const { url } = await serviceOver(log)

    const answers = [
      await post(`${url}/events/market-data`, {
        symbol: 'BTC/USDT',
        market_data: { price: 45000, volume: 100 },
        source: 'feed'
      }),
      await post(`${url}/events/trading-signal`, { signal: { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.85 } }),
      await post(`${url}/events/portfolio-update`, { updates: { cash: 10 } })
    ]

    for (const { status, body } of answers)
      expect({ status, body }).toMatchObject({ status: 200, body: { status: 'published' } })
    const { events, count } = (await get(`${url}/events`)).body
    expect(count).toBe(3)
    expect(events).toMatchObject([
      { event_type: 'market_data_update', source: 'feed', data: { symbol: 'BTC/USDT', price: 45000, volume: 100 } },
      { event_type: 'trading_signal', source: '', data: { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.85 } },
      { event_type: 'portfolio_update', source: '', data: { cash: 10 } }
    ])
    expect(Object.keys(events[0].data)).toEqual(['symbol', 'price', 'volume'])
  })

  test('POST /events/batch takes a JSON array or NDJSON and answers the ids in order', async () => {
    const { url } = await serviceOver(log)
    const events = ['A', 'B', 'C'].map((symbol) => ({ ...signal(symbol), event_id: `id-${symbol}` }))

    const array = await post(`${url}/events/batch`, events)
    const lines = events.map((event) => JSON.stringify({ ...event, event_id: `${event.event_id}-2` })).join('\n')
    const ndjson = await post(`${url}/events/batch`, `${lines}\n`, { 'content-type': 'application/x-ndjson' })
    const empty = await post(`${url}/events/batch`, [])

    expect(array.body).toMatchObject({ status: 'published', count: 3, event_ids: ['id-A', 'id-B', 'id-C'] })
    expect(ndjson.body).toMatchObject({ status: 'published', count: 3, event_ids: ['id-A-2', 'id-B-2', 'id-C-2'] })
    expect(empty).toMatchObject({
      status: 200,
      body: { status: 'published', count: 0, message_ids: [], event_ids: [] }
    })
    const { body } = await get(`${url}/events`)
    expect(body.events.map((event: { message_id: string }) => event.message_id)).toEqual([
      ...array.body.message_ids,
      ...ndjson.body.message_ids
    ])
  })

  test('GET /events answers the newest that match, oldest first, and with a start the first ones from there', async () => {
    const { url } = await serviceOver(log)
    const symbols = ['A', 'B', 'A', 'B', 'A']
    const ids: string[] = (
      await post(
        `${url}/events/batch`,
        symbols.map((symbol) => signal(symbol))
      )
    ).body.message_ids
    await post(`${url}/events`, { event_type: 'risk_alert', data: { message: 'careful' } })
    const found = async (query: string) =>
      (await get(`${url}/events?${query}`)).body.events.map((event: { message_id: string }) =>
        ids.indexOf(event.message_id)
      )

    expect(await found('event_type=trading_signal&limit=2')).toEqual([3, 4])
    expect(await found('event_type=trading_signal&symbol=A')).toEqual([0, 2, 4])
    expect(await found('symbol=B')).toEqual([1, 3])
    expect(await found('symbol=A&symbol=B')).toEqual([0, 1, 2, 3, 4])
    expect(await found('symbols=B&symbols=C')).toEqual([1, 3])
    expect(await get(`${url}/events?symbol=A&symbols=B`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument' }
    })
    expect(await found('event_type=trading_signal,risk_alert&limit=2')).toEqual([4, -1])
    expect(await found('event_type=trading_signal&event_type=risk_alert&limit=1')).toEqual([-1])
    expect(await found(`after=${ids[1]}&limit=2`)).toEqual([2, 3])
    expect(await found('start_time=2020-01-01T00:00:00+00:00&limit=1')).toEqual([0])
    expect(await found('end_time=2020-01-01T00:00:00Z')).toEqual([])
    expect(
      await found('start_time=2020-01-01T00:00:00&end_time=2999-01-01T00:00:00%2B01:00&event_type=trading_signal')
    ).toEqual([0, 1, 2, 3, 4])
  })

  test('GET /events/types lists the types, GET /events/stats has the keys of the contract', async () => {
    const { url, system } = await serviceOver(log)
    const { body } = await post(`${url}/events/batch`, [signal(), signal()])
    system.registerHandler('*', () => {})
    await system.startConsuming({ group: 'brokers', from: 'start' })
    await waitFor(async () =>
      (await system.getEventStats()).groups.every(({ pending, lag }) => pending === 0 && lag === 0)
    )

    const types = await get(`${url}/events/types`)
    const stats = await get(`${url}/events/stats`)

    // Other files that run in this process may have registered types of their own.
    const ofThePlatform: readonly string[] = Object.values(EventType)
    expect(ofThePlatform).toHaveLength(19)
    expect(types.body.event_types).toEqual(expect.arrayContaining([...ofThePlatform]))
    expect(types.body.schemas.trading_signal).toMatchObject({ type: 'object' })
    expect(stats.body).toMatchObject({
      stream_length: 2,
      first_entry: body.message_ids[0],
      last_entry: body.message_ids[1],
      consumer_groups: 1,
      groups: [{ name: 'brokers', consumers: 1, pending: 0, 'last-delivered-id': body.message_ids[1], lag: 0 }],
      dead_letters: 0,
      log
    })
  })

  test('the stats of an empty log have no entries', async () => {
    const { url } = await serviceOver(log)

    const { status, body } = await get(`${url}/events/stats`)

    expect({ status, body }).toMatchObject({
      status: 200,
      body: { stream_length: 0, first_entry: null, last_entry: null, consumer_groups: 0, groups: [] }
    })
  })

  test('GET /events/{message_id}/lineage follows the causes up and the effects down', async () => {
    const { url } = await serviceOver(log)
    const caused = (event_id: string, causation_id?: string) => ({
      ...signal(),
      event_id,
      ...(causation_id === undefined ? {} : { metadata: { causation_id } })
    })
    const { body } = await post(`${url}/events/batch`, [
      caused('1'),
      caused('2', '1'),
      caused('other'),
      caused('3', '2')
    ])

    const lineage = (await get(`${url}/events/${body.message_ids[1]}/lineage`)).body

    expect(lineage.event.event_id).toBe('2')
    expect(lineage.causes.map((event: { event_id: string }) => event.event_id)).toEqual(['1'])
    expect(lineage.effects.map((event: { event_id: string }) => event.event_id)).toEqual(['3'])
    expect(lineage.complete).toBe(true)
  })

  test('POST /events/replay counts a range, by query or by body, and appends nothing', async () => {
    const { url } = await serviceOver(log)
    await post(`${url}/events/batch`, [signal('A'), signal('B'), { event_type: 'risk_alert', data: { message: 'x' } }])
    const counted = async (query: string, body?: unknown) => (await post(`${url}/events/replay${query}`, body)).body

    expect(await counted('')).toEqual({ status: 'replay_complete', events_replayed: 3 })
    expect(await counted('?event_type=trading_signal')).toEqual({ status: 'replay_complete', events_replayed: 2 })
    expect(await counted('', { event_type: 'risk_alert', start_time: null, end_time: null })).toMatchObject({
      events_replayed: 1
    })
    expect(await counted('?event_type=risk_alert', { event_type: ['risk_alert'] })).toMatchObject({
      events_replayed: 1
    })
    expect(await counted('?end_time=2020-01-01T00:00:00Z')).toMatchObject({ events_replayed: 0 })
    expect(await counted('?symbol=B')).toMatchObject({ events_replayed: 1 })
    expect(await counted('?symbol=A&symbol=B')).toMatchObject({ events_replayed: 2 })
    expect(await counted('', { symbols: ['A', 'B'] })).toMatchObject({ events_replayed: 2 })
    expect(await counted('', { symbol: ['B'] })).toMatchObject({ events_replayed: 1 })
    const [first] = (await get(`${url}/events`)).body.events
    expect(await counted(`?after=${first.message_id}`)).toMatchObject({ events_replayed: 2 })
    expect(await counted('', { after: first.message_id, symbol: 'A' })).toMatchObject({ events_replayed: 0 })
    expect(await counted(`?after=${first.message_id}`, { start_time: '2020-01-01T00:00:00Z' })).toMatchObject({
      code: 'invalid_argument'
    })
    expect(await counted('', null)).toMatchObject({ events_replayed: 3 })
    expect((await get(`${url}/events/stats`)).body.stream_length).toBe(3)
  })

  test('POST /events/replay streams the events as NDJSON or as Server-Sent Events', async () => {
    const { url } = await serviceOver(log)
    const { body } = await post(
      `${url}/events/batch`,
      Array.from({ length: 2_500 }, (_, i) => signal(`S${i}`))
    )

    const ndjson = await post(`${url}/events/replay`, undefined, { accept: 'application/x-ndjson' })
    const sse = await post(`${url}/events/replay?event_type=trading_signal`, undefined, { accept: 'text/event-stream' })
    const none = await post(`${url}/events/replay?event_type=risk_alert`, undefined, { accept: 'application/x-ndjson' })

    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson')
    expect(
      ndjson.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).message_id)
    ).toEqual(body.message_ids)
    expect(sse.text.match(/^id: (.+)$/gm)?.map((line) => line.slice(4))).toEqual(body.message_ids)
    expect(none).toMatchObject({ status: 200, text: '' })
  })

  test('GET /health says how the log is', async () => {
    const { url } = await serviceOver(log)

    const { status, body } = await get(`${url}/health`)

    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        status: 'healthy',
        service: 'event_service',
        timestamp: expect.stringMatching(/\+00:00$/),
        version: expect.any(String),
        uptime_seconds: expect.any(Number),
        log: { kind: log, reachable: true, latency_ms: expect.any(Number) }
      }
    })
  })
})
