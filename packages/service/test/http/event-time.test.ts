import { createEvent, EventType } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { SseReader } from './support/sse-reader.ts'
import { get, LOGS, post, serviceOver } from './support/test-service.ts'

const LAST_WEEK = { start_time: '2026-11-16T00:00:00Z', end_time: '2026-11-20T23:59:59.999Z' }
const HINT = 'The log took no such event in this time, but some happened in it: ask with time=event.'

const queryOf = (parameters: Readonly<Record<string, string>>) => new URLSearchParams(parameters).toString()
const priceAt = (timestamp: string, price: number, symbol = 'A') =>
  createEvent(EventType.MARKET_DATA_UPDATE, { symbol, price }, { timestamp })

/** A service that takes prices of last week today, the later one first. */
async function imported(log: (typeof LOGS)[number]) {
  const { url, system } = await serviceOver(log)
  await system.publishBatch([
    priceAt('2026-11-17T09:00:01.250Z', 3),
    priceAt('2026-11-17T09:00:00Z', 1),
    priceAt('2026-11-17T09:00:01Z', 2, 'B')
  ])
  return { url, system }
}

const prices = (events: readonly { data: { price: number } }[]) => events.map(({ data }) => data.price)

async function streamed(url: string, accept: string, body?: object): Promise<string> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  const headers = { accept, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, ...content })
  expect(answer.status).toBe(200)
  return answer.text()
}

describe('event times, over a log with an index', () => {
  test('GET /events finds what happened in a time, in that order, and its position leads on', async () => {
    const { url } = await imported('sqlite')
    const asked = { ...LAST_WEEK, time: 'event' }
    const { body } = await get(`${url}/events?${queryOf(asked)}`)
    expect(prices(body.events)).toEqual([1, 2, 3])
    const first = await get(`${url}/events?${queryOf({ ...asked, limit: '1' })}`)
    expect(prices(first.body.events)).toEqual([1])
    const rest = await get(`${url}/events?${queryOf({ time: 'event', after: first.body.position })}`)
    expect(prices(rest.body.events)).toEqual([2, 3])
    const newest = await get(`${url}/events?time=event&limit=2`)
    expect(prices(newest.body.events)).toEqual([2, 3])
    expect(prices((await get(`${url}/events?time=log`)).body.events)).toEqual([3, 1, 2])
    const ofOne = await get(`${url}/events?${queryOf({ ...asked, symbol: 'A', event_type: 'market_data_update' })}`)
    expect(prices(ofOne.body.events)).toEqual([1, 3])
  })

  test('POST /events/replay takes the time in the query and in the body, counted and streamed', async () => {
    const { url } = await imported('sqlite')
    const path = `${url}/events/replay`
    const asked = { ...LAST_WEEK, time: 'event' }
    const counted = { status: 'replay_complete', events_replayed: 3 }
    expect((await post(`${path}?${queryOf(asked)}`, undefined)).body).toEqual(counted)
    expect((await post(path, asked)).body).toEqual(counted)
    expect((await post(path, { ...asked, time: null })).body).toMatchObject({ events_replayed: 0 })

    const lines = await streamed(path, 'application/x-ndjson', asked)
    expect(
      prices(
        lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      )
    ).toEqual([1, 2, 3])
    const frames = await streamed(`${path}?${queryOf(asked)}`, 'text/event-stream')
    expect(frames.match(/"price":\d/g)).toEqual(['"price":1', '"price":2', '"price":3'])
  })

  test('a streamed replay at a speed keeps the pace of the event times', async () => {
    const { url } = await imported('sqlite')
    const begun = performance.now()
    await streamed(
      `${url}/events/replay?${queryOf({ ...LAST_WEEK, time: 'event', speed: '5' })}`,
      'application/x-ndjson'
    )
    // 1,250 ms between the first and the last, five times as fast.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(245)
  })

  test('a request that finds nothing says that such events happened in its time', async () => {
    const { url } = await imported('sqlite')
    const answer = await get(`${url}/events?${queryOf(LAST_WEEK)}`)
    expect(answer.body).toEqual({ events: [], count: 0, position: expect.any(String), hint: HINT })
    const counted = await post(`${url}/events/replay`, LAST_WEEK)
    expect(counted.body).toEqual({ status: 'replay_complete', events_replayed: 0, hint: HINT })
    for (const others of [{ symbol: 'C' }, { time: 'event', start_time: '2026-11-18T00:00:00Z' }]) {
      const asked = { ...LAST_WEEK, ...others }
      expect((await get(`${url}/events?${queryOf(asked)}`)).body).not.toHaveProperty('hint')
      expect((await post(`${url}/events/replay`, asked)).body).not.toHaveProperty('hint')
    }
  })

  test('on_gap is refused with it, and another time, in the query and in the body', async () => {
    const { url } = await imported('sqlite')
    const onGap = { status: 400, body: { code: 'invalid_argument', pointer: '/on_gap' } }
    for (const on_gap of ['report', 'error']) {
      const asked = { time: 'event', on_gap }
      expect(await get(`${url}/events?${queryOf(asked)}`)).toMatchObject(onGap)
      expect(await post(`${url}/events/replay?${queryOf(asked)}`, undefined)).toMatchObject(onGap)
      expect(await post(`${url}/events/replay`, asked)).toMatchObject(onGap)
    }
    const ofNone = { status: 400, body: { detail: expect.stringMatching(/time .*log.*event/) } }
    expect(await get(`${url}/events?time=publisher`)).toMatchObject(ofNone)
    expect(await post(`${url}/events/replay?time=publisher`, undefined)).toMatchObject(ofNone)
    expect(await post(`${url}/events/replay`, { time: 'publisher' })).toMatchObject(ofNone)
    const mixed = { time: 'event', after: '1764057600000-0' }
    expect(await get(`${url}/events?${queryOf(mixed)}`)).toMatchObject({ body: { code: 'invalid_message_id' } })
    expect(await post(`${url}/events/replay`, mixed)).toMatchObject({ body: { code: 'invalid_message_id' } })
  })
})

describe('event times, over a log without an index', () => {
  test('are refused with the setting that they take, and no hint is given', async () => {
    const { url } = await imported('redis')
    const refusal = { status: 501, body: { code: 'unsupported', detail: expect.stringContaining('EVENT_INDEX=on') } }
    expect(await get(`${url}/events?time=event`)).toMatchObject(refusal)
    expect(await post(`${url}/events/replay`, { time: 'event' })).toMatchObject(refusal)
    const accept = { accept: 'application/x-ndjson' }
    expect(await post(`${url}/events/replay`, { time: 'event' }, accept)).toMatchObject(refusal)
    expect((await get(`${url}/events?${queryOf(LAST_WEEK)}`)).body).not.toHaveProperty('hint')
    expect((await post(`${url}/events/replay`, LAST_WEEK)).body).not.toHaveProperty('hint')
  })
})

describe.each(LOGS)('symbol=A&symbol=B, over %s', (log) => {
  test('means both, in queries, replays and streams', async () => {
    const { url, system } = await serviceOver(log)
    const at = '2026-11-17T09:00:00Z'
    await system.publishBatch([priceAt(at, 1), priceAt(at, 2, 'B'), priceAt(at, 3, 'C')])
    const both = 'symbol=A&symbol=B'
    expect(prices((await get(`${url}/events?${both}`)).body.events)).toEqual([1, 2])
    expect((await post(`${url}/events/replay?${both}`, undefined)).body).toMatchObject({ events_replayed: 2 })
    const lines = await streamed(`${url}/events/replay?${both}`, 'application/x-ndjson')
    expect(
      prices(
        lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      )
    ).toEqual([1, 2])
    const reader = await SseReader.open(`${url}/events/stream?after=start&${both}`)
    const seen = () => reader.frames.filter(({ event }) => event === 'market_data_update').map(({ data }) => data)
    await system.publishEvent(priceAt(at, 4, 'B'))
    await waitFor(() => seen().length >= 3)
    expect(prices(seen() as never)).toEqual([1, 2, 4])
  })
})
