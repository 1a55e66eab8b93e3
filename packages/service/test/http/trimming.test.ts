import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { get, LOGS, newLog, post, serviceOver, signal } from './support/test-service.ts'

const price = { event_type: 'market_data_update', data: { symbol: 'BTC/USDT', price: 1 } }

describe.each(LOGS)('trimming over HTTP, over %s', (log) => {
  async function withEvents(environment: Record<string, string> = {}) {
    const service = await serviceOver(log, environment)
    const { body } = await post(`${service.url}/events/batch`, [price, signal(), price, signal(), price])
    const trim = (request: object) => post(`${service.url}/events/trim`, request)
    const left = async () => (await get(`${service.url}/events/stats`)).body.stream_length as number
    return { ...service, ids: body.message_ids as string[], trim, left }
  }

  test('removes what is beyond the limits, of the log or by type, and a dry run only says so', async () => {
    const { trim, left, url, ids } = await withEvents()
    const byType = { by_type: { market_data_update: { max_length: 1 } } }
    const dry = await trim({ ...byType, dry_run: true })
    expect(dry.body).toEqual({
      removed: 2,
      lost: 0,
      lost_by_group: {},
      lost_by_cursor: {},
      guarded: false,
      dry_run: true
    })
    expect(await left()).toBe(5)
    expect((await trim(byType)).body).toMatchObject({ removed: 2, dry_run: false })
    expect((await trim({ max_length: 2 })).body).toMatchObject({ removed: 1 })
    const { body } = await get(`${url}/events`)
    expect(body.events.map((event: { message_id: string }) => event.message_id)).toEqual(ids.slice(3))
  })

  test('keeps what a group has not acknowledged, unless forced, and then says to whom it is lost', async () => {
    const { trim, left, system, url } = await withEvents()
    await system.storage.queue('desk').create('start')
    expect((await trim({ max_length: 1 })).body).toMatchObject({ removed: 0, lost: 0, guarded: true })
    const forced = await trim({ max_length: 1, force: true })
    expect(forced.body).toMatchObject({ removed: 4, lost: 4, lost_by_group: { desk: 4 }, guarded: false })
    const metrics = (await get(`${url}/metrics`)).text
    expect(metrics).toMatch(/^event_service_events_trimmed_total 4$/m)
    expect(metrics).toMatch(/^event_service_events_lost_total\{group="desk"\} 4$/m)
    expect(await left()).toBe(1)
  })

  test.each([
    [{}, 'There is no retention policy'],
    [{ by_type: { market_data_updates: { max_length: 1 } } }, 'There is no event type'],
    [{ by_type: { market_data_update: {} } }, 'needs maxLength'],
    [{ max_length: -1 }, 'max_length'],
    [{ max_lenght: 1 }, 'max_lenght'],
    [{ max_age_ms: '1d' }, 'max_age_ms']
  ])('%j is refused and removes nothing', async (request, detail) => {
    const { trim, left } = await withEvents()
    expect(await trim(request)).toMatchObject({
      status: 400,
      body: { code: 'invalid_argument', detail: expect.stringContaining(detail) }
    })
    expect(await left()).toBe(5)
  })

  test('the service does it by itself when it is told what to keep, and on demand without being told again', async () => {
    const place = await newLog(log)
    const { url } = await serviceOver(log, place)
    await post(`${url}/events/batch`, [price, signal(), price, signal(), price])
    const keeping = await serviceOver(log, { ...place, EVENT_RETENTION_BY_TYPE: 'market_data_update=1' })
    const left = async () => (await get(`${keeping.url}/events/stats`)).body.stream_length as number
    await waitFor(async () => (await left()) === 3)
    await post(`${url}/events/batch`, [price, price])
    expect((await post(`${keeping.url}/events/trim`, {})).body).toMatchObject({ removed: 2 })
  })
})
