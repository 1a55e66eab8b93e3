import { EventClient } from '@tradpal/event-client'
import { waitFor } from '@tradpal/event-system/testing'
import { describe, expect, test } from 'vitest'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

type Delivery = { delivery_id: string; attempt: number; event: { message_id: string; data: { order: number } } }

const remove = (url: string) => get(url, { method: 'DELETE' })

describe.each(LOGS)('consuming over HTTP, over %s', (log) => {
  async function deskOf(count: number) {
    const service = await serviceOver(log)
    for (let order = 0; order < count; order++) await post(`${service.url}/events`, signal('AAPL', { order }))
    const url = `${service.url}/groups/desk`
    const pull = async (more: object = {}) => {
      const { status, body } = await post(`${url}/pull`, { from: 'start', lease_ms: 200, ...more })
      expect({ status, body }).toMatchObject({ status: 200 })
      return body.deliveries as Delivery[]
    }
    const idsOf = (deliveries: readonly Delivery[]) => deliveries.map((delivery) => delivery.delivery_id)
    return { ...service, root: service.url, url, pull, idsOf }
  }

  test('events are pulled, acknowledged, extended and handed back', async () => {
    const { url, pull, idsOf, root } = await deskOf(4)
    const deliveries = await pull({ max: 3, consumer: 'py-1' })
    expect(deliveries.map(({ attempt, event }) => [attempt, event.data.order])).toEqual([
      [1, 0],
      [1, 1],
      [1, 2]
    ])
    const [first = '', second = '', third = ''] = idsOf(deliveries)
    expect((await post(`${url}/ack`, { delivery_ids: [first] })).body).toEqual({ acknowledged: 1, lost: [] })
    expect((await post(`${url}/extend`, { delivery_ids: [second] })).body).toEqual({ extended: 1, lost: [] })
    const failed = await post(`${url}/nack`, { delivery_ids: [second], reason: 'no margin', delay_ms: 60_000 })
    expect(failed.body).toEqual({ returned: 1, dead: 0, lost: [] })
    const rejected = await post(`${url}/nack`, { delivery_ids: [third], reason: 'no such account', reject: true })
    expect(rejected.body).toEqual({ returned: 0, dead: 1, lost: [] })
    expect((await get(`${root}/dead-letters?group=desk`)).body.dead_letters).toMatchObject([
      { kind: 'rejected', reason: 'no such account', handler: 'puller', consumer: 'py-1' }
    ])
    expect((await get(url)).body).toMatchObject({ name: 'desk', lag: 1, pending: 1, retrying: 1, partitions: null })
  })

  test('what is not settled within its lease is somebody else’s: its settling is refused with 409', async () => {
    const { url, pull, idsOf } = await deskOf(1)
    const late = idsOf(await pull())
    const again = await waitFor(async () => {
      const deliveries = await pull({ wait_ms: 1_000 })
      return deliveries.length > 0 && deliveries
    })
    expect(again[0]?.attempt).toBe(2)
    for (const call of ['ack', 'extend', 'nack']) {
      const refused = await post(`${url}/${call}`, { delivery_ids: late })
      expect(refused).toMatchObject({ status: 409, body: { code: 'delivery_lost' } })
    }
    const both = await post(`${url}/ack`, { delivery_ids: [...late, ...idsOf(again)] })
    expect(both.body).toEqual({ acknowledged: 1, lost: late })
  })

  test('a pull that waits gets what is published meanwhile, of the types that it asks for', async () => {
    const { root, pull } = await deskOf(0)
    const pulling = pull({ wait_ms: 20_000, event_types: ['trading_signal'] })
    await post(`${root}/events`, { event_type: 'system_health' })
    await post(`${root}/events`, signal())
    expect(await pulling).toMatchObject([{ event: { event_type: 'trading_signal' } }])
  })

  test('a pull whose caller goes away holds nothing', async () => {
    const { url, root, pull, system } = await deskOf(0)
    const abort = new AbortController()
    const gone = fetch(`${url}/pull`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: 'start', wait_ms: 30_000 }),
      signal: abort.signal
    }).catch(() => 'gone')
    await waitFor(async () => (await system.groups.list()).length === 1)
    abort.abort()
    expect(await gone).toBe('gone')
    await post(`${root}/events`, signal())
    expect(await pull({ wait_ms: 5_000 })).toMatchObject([{ attempt: 1 }])
  })

  test('the groups are listed and shown with members, lag and what is pending', async () => {
    const { root, url, pull } = await deskOf(3)
    const [delivery] = await pull({ max: 1, consumer: 'py-1' })
    const { groups } = (await get(`${root}/groups`)).body
    expect(groups).toEqual([
      {
        name: 'desk',
        partitions: null,
        members: [{ name: 'py-1', pending: 1, idle_ms: expect.any(Number), partitions: [] }],
        lag: 2,
        lag_seconds: expect.any(Number),
        pending: 1,
        retrying: 0,
        oldest_pending_seconds: expect.any(Number),
        last_delivered_id: delivery?.event.message_id,
        pulled: { event_types: null, max_attempts: 5 }
      }
    ])
    expect((await get(url)).body).toMatchObject({
      ...groups[0],
      members: [{ name: 'py-1' }],
      lag_seconds: expect.any(Number),
      oldest_pending_seconds: expect.any(Number),
      pending_events: [{ message_id: delivery?.event.message_id, consumer: 'py-1', deliveries: 1 }]
    })
  })

  test('what is pending says why: how often it failed, with what, and when it is tried again', async () => {
    const { root, url, pull } = await deskOf(1)
    const [delivery] = await pull()
    const nack = { delivery_ids: [delivery?.delivery_id], delay_ms: 60_000, reason: 'the broker is down' }
    expect((await post(`${url}/nack`, nack)).status).toBe(200)
    const { body } = await get(url)
    expect(body.pending_events).toMatchObject([
      { message_id: delivery?.event.message_id, failures: 1, last_error: 'the broker is down' }
    ])
    expect(Date.parse(body.pending_events[0].due_at)).toBeGreaterThan(Date.now() + 30_000)
    await using client = new EventClient({ url: root })
    const [pending] = await client.groups.pending('desk')
    expect(pending).toMatchObject({ failures: 1, lastError: 'the broker is down', dueAt: expect.any(Number) })
  })

  test('a group is moved and removed, but not while members live unless it is forced', async () => {
    const { root, url, pull, idsOf } = await deskOf(3)
    const deliveries = await pull()
    await post(`${url}/ack`, { delivery_ids: idsOf(deliveries) })
    expect(await post(`${url}/seek`, { to: 'start' })).toMatchObject({ status: 409, body: { code: 'group_conflict' } })
    const seek = async (to: string) => {
      expect((await post(`${url}/seek`, { to, force: true })).body).toEqual({ status: 'moved', group: 'desk' })
      return (await get(url)).body.lag
    }
    expect(await seek('start')).toBe(3)
    expect(await seek('end')).toBe(0)
    expect(await seek(deliveries[0]?.event.message_id ?? '')).toBe(2)
    expect(await seek('2020-01-01T00:00:00Z')).toBe(3)
    expect(await remove(url)).toMatchObject({ status: 409, body: { code: 'group_conflict' } })
    expect((await remove(`${url}?force=true`)).body).toEqual({ status: 'removed', group: 'desk' })
    expect((await get(`${root}/groups`)).body).toEqual({ groups: [] })
  })

  test.each([
    ['a pull of 10^6', 'pull', { max: 1_000_000 }, 400, 'invalid_argument', /max/],
    ['a lease of 0', 'pull', { lease_ms: 0 }, 400, 'invalid_argument', /lease_ms/],
    ['a pull of an unknown type', 'pull', { event_types: ['nope'] }, 400, 'unknown_event_type', /nope/],
    ['a pull from nowhere', 'pull', { from: 'yesterday' }, 400, 'invalid_argument', /from/],
    ['a pull of an unknown field', 'pull', { maximum: 1 }, 400, 'invalid_argument', /maximum/],
    ['an ack of nothing', 'ack', {}, 400, 'invalid_argument', /delivery_ids/],
    ['an ack of what is no delivery', 'ack', { delivery_ids: ['x'] }, 400, 'invalid_argument', /no delivery id/],
    ['a rejection without a reason', 'nack', { delivery_ids: ['x'], reject: true }, 400, 'invalid_argument', /reason/],
    ['a seek to next year', 'seek', { to: '2999-01-01T00:00:00Z', force: true }, 400, 'invalid_argument', /future/],
    ['a seek to what is no place', 'seek', { to: 'there', force: true }, 400, 'invalid_argument', /to must be start/],
    ['a seek of no group', '../nobody/seek', { to: 'start' }, 404, 'not_found', /nobody/]
  ])('%s is refused, and changes nothing', async (_what, call, body, status, code, detail) => {
    const { url, pull } = await deskOf(1)
    await pull()
    const refused = await post(`${url}/${call}`, body)
    expect(refused).toMatchObject({ status, body: { code, detail: expect.stringMatching(detail) } })
    expect((await get(url)).body).toMatchObject({ pending: 1, lag: 0 })
  })

  test('an ack of another group’s delivery, and a group name with a line break, are refused', async () => {
    const { root, pull, idsOf } = await deskOf(1)
    const ids = idsOf(await pull())
    const refused = await post(`${root}/groups/other/ack`, { delivery_ids: ids })
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_argument' } })
    const name = encodeURIComponent('a\nb')
    expect(await post(`${root}/groups/${name}/pull`, {})).toMatchObject({ status: 400 })
    expect((await get(`${root}/groups`)).body.groups).toHaveLength(1)
  })
})
