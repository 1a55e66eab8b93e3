import { describe, expect, test } from 'vitest'
import { rawRequest, sendRaw } from './support/raw-request.ts'
import { get, LOGS, post, serviceOver } from './support/test-service.ts'

/** The calls of the platform's existing Python clients, as aiohttp and httpx send them. */
describe.each(LOGS)('an existing client, over %s', (log) => {
  test('publishes, queries, replays and looks at the stats as it always did', async () => {
    const { url } = await serviceOver(log)
    const event = {
      event_type: 'backtest_complete',
      event_id: '6f9619ff-8b86-d011-b42d-00c04fc964ff',
      timestamp: '2026-11-23T08:49:10.123456',
      source: 'backtester',
      data: { symbol: 'BTC/USDT', total_return: 0.1 },
      metadata: {}
    }
    const published = await post(`${url}/events`, event)
    const now = new Date().toISOString()
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString().replace('Z', '')
    const anHourAgo = new Date(Date.now() - 3_600_000).toISOString().replace('Z', '+00:00')

    expect(published.status).toBe(200)
    expect(Object.keys(published.body)).toEqual(['message_id', 'event_id', 'status'])
    expect(published.body).toMatchObject({ event_id: event.event_id, status: 'published' })

    const queries = [
      'event_type=backtest_completed&limit=10',
      'event_type=backtest_complete',
      `start_time=${anHourAgo}&end_time=${inAnHour}`,
      `start_time=${encodeURIComponent(anHourAgo)}`
    ]
    for (const query of queries) {
      expect((await get(`${url}/events?${query}`)).body).toEqual({
        events: [
          {
            ...event,
            event_type: 'backtest_complete',
            timestamp: '2026-11-23T08:49:10.123456+00:00',
            message_id: published.body.message_id
          }
        ],
        count: 1,
        position: published.body.message_id
      })
    }
    const replayed = { status: 'replay_complete', events_replayed: 1 }
    expect((await post(`${url}/events/replay?event_type=backtest_completed&end_time=${inAnHour}`)).body).toEqual(
      replayed
    )
    expect(
      (await post(`${url}/events/replay`, { event_type: null, start_time: anHourAgo, end_time: null })).body
    ).toEqual(replayed)
    expect((await post(`${url}/events/replay`, { start_time: now.replace(/^\d{4}/, '2999') })).body).toMatchObject({
      events_replayed: 0
    })

    const stats = (await get(`${url}/events/stats`)).body
    expect(Object.keys(stats)).toEqual(
      expect.arrayContaining(['stream_length', 'first_entry', 'last_entry', 'consumer_groups', 'groups'])
    )
    expect((await get(`${url}/health`)).status).toBe(200)
  })
})

test.each(['application/octet-stream', 'application/x-www-form-urlencoded', 'text/plain', 'application/json', ''])(
  'an existing client may send a POST without a body as Content-Type: %s',
  async (type) => {
    const { url } = await serviceOver()
    const headers = [`Content-Type: ${type}`, 'Content-Length: 0']
    const [replayed] = await sendRaw(url, rawRequest('POST /events/replay', headers))
    const [pulled] = await sendRaw(url, rawRequest('POST /groups/risk/pull', headers))
    const [published] = await sendRaw(url, rawRequest('POST /events', headers))
    expect(JSON.parse(replayed?.body ?? '')).toEqual({ status: 'replay_complete', events_replayed: 0 })
    expect(JSON.parse(pulled?.body ?? '')).toMatchObject({ deliveries: [], count: 0 })
    expect(JSON.parse(published?.body ?? '')).toMatchObject({ status: 400, code: 'invalid_json' })

    const ofUnknownLength = [`Content-Type: ${type}`, 'Transfer-Encoding: chunked']
    const empty = '0\r\n\r\n'
    const [again] = await sendRaw(url, rawRequest('POST /events/replay', ofUnknownLength, empty))
    expect(JSON.parse(again?.body ?? '')).toEqual({ status: 'replay_complete', events_replayed: 0 })
  }
)
