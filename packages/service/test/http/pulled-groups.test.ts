import { EventClient } from '@tradpal/event-client'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { guardedService } from './access/support.ts'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

const patch = (url: string, body: object) =>
  get(url, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
const HEALTH = { event_type: 'system_health', source: 'a_test' }

describe.each(LOGS)('a group that is pulled over HTTP, over %s,', (kind) => {
  test('is pulled with the event types and attempts of its first pull, by an old client that says 5 too', async () => {
    const { url, system } = await serviceOver(kind)
    const pull = (body: object) => post(`${url}/groups/desk/pull`, { from: 'start', ...body })
    for (const event of [signal(), HEALTH]) await post(`${url}/events`, event)
    expect((await pull({ event_types: ['trading_signal'], max: 1 })).body.count).toBe(1)
    const other = await pull({ event_types: ['system_health'] })
    expect(other).toMatchObject({ status: 409, body: { code: 'group_conflict' } })
    expect(other.body.detail).toMatch(
      /^The group desk is pulled with trading_signal, not with system_health: .*groups set-types desk system_health/
    )
    expect((await pull({})).body.detail).toMatch(/is pulled with trading_signal, not with all event types/)
    expect((await pull({ event_types: ['*'] })).status).toBe(409)
    expect((await pull({ event_types: ['trading_signal'], max_attempts: 3 })).body.detail).toMatch(
      /after 5 failures, not after 3/
    )
    expect((await system.groups.get('desk')).lag).toBe(1)
    expect((await pull({ event_types: ['trading_signal'], max_attempts: 5 })).status).toBe(200)
  })

  test('is changed by an operator, over HTTP and with the client', async () => {
    const { url } = await serviceOver(kind)
    const desk = `${url}/groups/desk`
    const pull = (body: object) => post(`${desk}/pull`, { from: 'start', ...body })
    await pull({ event_types: ['trading_signal'] })
    const changed = await patch(desk, { event_types: ['trading_signal', 'risk_alert'], max_attempts: 9 })
    const pulled = { event_types: ['risk_alert', 'trading_signal'], max_attempts: 9 }
    expect(changed).toMatchObject({ status: 200, body: { status: 'changed', group: 'desk', pulled } })
    expect((await get(desk)).body.pulled).toEqual(pulled)
    await waitFor(async () => (await pull({ event_types: ['trading_signal'] })).status === 409)
    expect((await pull({ event_types: ['trading_signal', 'risk_alert'] })).status).toBe(200)
    await using client = new EventClient({ url })
    expect(await client.groups.changePulling('desk', { eventTypes: null })).toEqual({
      eventTypes: null,
      maxAttempts: 9
    })
    expect((await pull({})).status).toBe(200)
    expect((await client.groups.list()).map(({ pulled }) => pulled)).toEqual([{ eventTypes: null, maxAttempts: 9 }])
    const refused: [object, number, string][] = [
      [{}, 400, 'invalid_argument'],
      [{ event_types: [] }, 400, 'invalid_argument'],
      [{ event_types: ['nope'] }, 400, 'unknown_event_type'],
      [{ max_attempts: 0 }, 400, 'invalid_argument'],
      [{ lease_ms: 100 }, 400, 'invalid_argument']
    ]
    for (const [body, status, code] of refused)
      expect(await patch(desk, body)).toMatchObject({ status, body: { code } })
    expect(await patch(`${url}/groups/nobody`, { max_attempts: 1 })).toMatchObject({ status: 404 })
  })

  test('has its first member’s event types with the client too, which says no attempts unless it is told', async () => {
    const { url } = await serviceOver(kind)
    await using client = new EventClient({ url })
    const handler = () => {}
    await using _ = await client.consume('desk', handler, { eventType: 'trading_signal', maxAttempts: 2 })
    await using __ = await client.consume('desk', handler, { eventType: 'trading_signal' })
    await expect(client.consume('desk', handler)).rejects.toMatchObject({ code: 'group_conflict' })
    expect((await client.groups.get('desk')).pulled).toEqual({ eventTypes: ['trading_signal'], maxAttempts: 2 })
  })

  test('is set by a caller that may not read everything only when that caller makes it', async () => {
    const { service, as } = await guardedService(kind)
    const prices = await as('prices', ['consume:*', 'read:market_data_update'])
    const operator = await as('operator', ['admin:groups'])
    const event_types = ['market_data_update']
    const pull = (group: string) => prices.post(`/groups/${group}/pull`, { event_types })
    await service.system.storage.queue('executor').create('start')
    expect(await pull('executor')).toMatchObject({ status: 409, body: { code: 'group_conflict' } })
    expect((await pull('own')).status).toBe(200)
    expect((await prices.patch('/groups/own', { event_types })).status).toBe(403)
    expect((await prices.post('/delivery-key/rotate')).status).toBe(403)
    expect((await operator.patch('/groups/executor', { event_types })).status).toBe(200)
    expect((await pull('executor')).status).toBe(200)
  })

  test('has deliveries whose ids outlive one rotation of their key', async () => {
    const { url } = await serviceOver(kind)
    await using client = new EventClient({ url })
    await post(`${url}/events`, signal())
    const [delivery] = (await post(`${url}/groups/desk/pull`, { from: 'start' })).body.deliveries
    await client.groups.rotateDeliveryKey()
    const acknowledged = await post(`${url}/groups/desk/ack`, { delivery_ids: [delivery.delivery_id] })
    expect(acknowledged.body).toEqual({ acknowledged: 1, lost: [] })
  })
})
