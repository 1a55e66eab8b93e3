import { EventClient } from '@tradpal/event-client'
import { createEvent, Documents } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import { expect, onTestFinished, test } from 'vitest'
import { get, serviceOver } from './support/test-service.ts'

async function withEvents(environment = {}) {
  const { url, system } = await serviceOver('sqlite', environment)
  await system.publishBatch([
    createEvent('risk_alert', {}),
    createEvent('risk_alert', {}),
    createEvent('system_health', {})
  ])
  return { url, system }
}

const HOUR = /^\d{4}-\d\d-\d\dT\d\d:00:00\.000\+00:00$/

test('GET /events/rates says how many events of each type came, by the minute or the hour', async () => {
  const { url } = await withEvents()
  const counts = { risk_alert: 2, system_health: 1 }
  expect(await get(`${url}/events/rates?per=hour`)).toEqual(
    expect.objectContaining({ status: 200, body: { rates: [{ at: expect.stringMatching(HOUR), counts }] } })
  )
  expect((await get(`${url}/events/rates?event_type=system_health`)).body.rates[0].counts).toEqual({ system_health: 1 })
  expect((await get(`${url}/events/rates?end_time=2020-01-01T00:00:00Z`)).body).toEqual({ rates: [] })
  for (const query of [
    'per=day',
    'start_time=noon',
    'limit=3',
    'start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z'
  ]) {
    expect(await get(`${url}/events/rates?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid_argument' } })
  }
})

test('a caller sees the counts of the types that it may read', async () => {
  const { url, system } = await withEvents({ EVENT_AUTH: 'required' })
  const keys = new ApiKeys(new Documents(system.storage))
  const { key } = await keys.create({ name: 'desk', scopes: ['read:risk_alert'], by: 'a test' })
  const headers = { authorization: `Bearer ${key}` }
  expect((await get(`${url}/events/rates`, { headers })).body.rates[0].counts).toEqual({ risk_alert: 2 })
  expect(await get(`${url}/events/rates?event_type=system_health`, { headers })).toMatchObject({ status: 403 })
  expect(await get(`${url}/events/rates`)).toMatchObject({ status: 401 })
})

test('the client reads them, and refuses a wrong range', async () => {
  const { url } = await withEvents()
  const client = new EventClient({ url })
  onTestFinished(() => client.close())
  const [rate] = await client.getRates({
    per: 'hour',
    startTime: new Date(Date.now() - 1_000),
    eventType: 'risk_alert'
  })
  expect(rate).toEqual({ at: expect.any(Number), counts: { risk_alert: 2 } })
  expect((rate?.at ?? 1) % 3_600_000).toBe(0)
  await expect(client.getRates({ startTime: 'noon' })).rejects.toMatchObject({ code: 'invalid_argument' })
})

test('a log without an index answers 501 with what would be right', async () => {
  const { url } = await serviceOver('redis')
  expect(await get(`${url}/events/rates`)).toMatchObject({
    status: 501,
    body: { code: 'unsupported', detail: expect.stringContaining('EVENT_INDEX=on') }
  })
})
