import { EventClient } from '@tradpal/event-client'
import { createEvent, type Event } from '@tradpal/events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { get, LOGS, post, serviceOver, signal } from './support/test-service.ts'

interface Published {
  readonly by_type: { readonly trading_signal: number }
}

const named = (eventId: string, more: object = {}) => ({ ...signal('BTC/USDT', more), event_id: eventId })

describe.each(LOGS)('an event id that was published before, over HTTP and %s', (kind) => {
  test('is a duplicate with the same type and data, and 409 with others, of which nothing is written', async () => {
    const { url } = await serviceOver(kind)
    const { body: first } = await post(`${url}/events`, named('a', { price: 1, quantity: 2 }))
    const reordered = { quantity: 2, price: 1.0, signal: 'BUY', symbol: 'BTC/USDT' }
    const again = await post(`${url}/events`, { ...named('a'), source: 'another', data: reordered })
    expect(again).toMatchObject({ status: 200, body: { message_id: first.message_id, duplicate: true } })
    const others = [
      named('a', { price: 1, quantity: 2_000 }),
      { ...named('a', { price: 1, quantity: 2 }), event_type: 'portfolio_update' }
    ]
    for (const other of others) {
      const refused = await post(`${url}/events`, other)
      expect(refused).toMatchObject({ status: 409, body: { title: 'Conflict', code: 'event_id_conflict' } })
      expect(refused.body.detail).toContain(`The event id "a" was published before, as ${first.message_id}`)
      expect(refused.body).not.toHaveProperty('index')
    }
    expect((await get(`${url}/events`)).body).toMatchObject({ count: 1, events: [{ data: { quantity: 2 } }] })
  })

  test('of a batch is told by its index; what was published before and what is in conflict are told apart, and the rest is there', async () => {
    const { url } = await serviceOver(kind)
    await post(`${url}/events/batch`, [named('a', { price: 1 }), named('b', { price: 2 })])
    const repeated = await post(`${url}/events/batch`, [named('c', { price: 3 }), named('b', { price: 2 })])
    expect(repeated).toMatchObject({ status: 200, body: { count: 2, event_ids: ['c', 'b'], duplicates: [1] } })
    expect((await post(`${url}/events/batch`, [named('d', { price: 4 })])).body).not.toHaveProperty('duplicates')

    const batch = [named('a', { price: 99 }), named('e', { price: 5 }), named('b', { price: 98 })]
    const refused = await post(`${url}/events/batch`, batch)
    expect(refused).toMatchObject({ status: 409, body: { code: 'event_id_conflict', index: 0, conflicts: [0, 2] } })
    expect(refused.body.detail).toMatch(/Every other event of the batch is in the log\.$/)
    const { events } = (await get(`${url}/events`)).body
    expect(events.map(({ data }: { data: { price: number } }) => data.price)).toEqual([1, 2, 3, 4, 5])
  })

  test('of a batch keeps nothing of it out of the audit log: what was published of it is counted', async () => {
    const { url } = await serviceOver(kind, { EVENT_AUDIT: 'on', EVENT_AUTH: 'off' })
    await post(`${url}/events`, named('a', { price: 1 }))
    await post(`${url}/events/batch`, [named('a', { price: 99 }), named('b'), named('c')])
    await post(`${url}/events`, named('a', { price: 98 }))
    await expect
      .poll(
        async () => {
          const { entries } = (await get(`${url}/audit?action=events.published&limit=100`)).body
          return entries.reduce((sum: number, { what }: { what: Published }) => sum + what.by_type.trading_signal, 0)
        },
        { timeout: 10_000 }
      )
      .toBe(3)
  })

  test('is told by the client: a conflict as an error, and in a batch what was there already', async () => {
    const { url } = await serviceOver(kind)
    const client = new EventClient({ url })
    onTestFinished(() => client.close())
    const made = (price: number): Event =>
      createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY', price }, { source: 'a_test' })
    const [one, two, three] = [made(1), made(2), made(3)] as const
    const other: Event = { ...one, data: { ...one.data, price: 99 } }
    const first = await client.publish(one)
    expect(await client.publish(one)).toEqual({ ...first, duplicate: true })
    const conflict = { code: 'event_id_conflict', status: 409, retryable: false }
    await expect(client.publish(other)).rejects.toMatchObject(conflict)
    await expect(client.publishBatch([two, other])).rejects.toMatchObject({ ...conflict, index: 1, conflicts: [1] })
    const receipts = await client.publishAll([one, two, three])
    expect(receipts.map(({ eventId, duplicate }) => [eventId, duplicate])).toEqual([
      [one.eventId, true],
      [two.eventId, true],
      [three.eventId, false]
    ])
    expect(receipts[0]).toEqual({ ...first, duplicate: true })
    expect(await client.publishAll([])).toEqual([])
  })
})
