import { expect } from 'vitest'
import { guardedService } from '../http/access/support.ts'
import { LOGS, signal } from '../http/support/test-service.ts'

/** A neighbour publishes something of its own under the event id that an order will have: the order would count as published, and be nowhere. */
export async function takenEventIds(): Promise<void> {
  for (const kind of LOGS) {
    const { as } = await guardedService(kind)
    const neighbour = await as('neighbour', ['publish:system_health'])
    const desk = await as('desk', ['publish:trading_signal', 'read:*'])
    const order = (id: string, price: number) => {
      const { source: _, ...event } = signal('BTC/USDT', { price })
      return { ...event, event_id: id }
    }
    await neighbour.post('/events', { event_type: 'system_health', event_id: 'order-17' })
    await desk.post('/events', order('order-18', 1))

    const lost = [
      await desk.post('/events', order('order-17', 1)),
      await desk.post('/events', order('order-18', 2)),
      await desk.post('/events/batch', [order('order-19', 1), order('order-17', 1)]),
      await desk.post('/events/batch', [order('order-18', 2)])
    ]
    for (const { status, body } of lost)
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'event_id_conflict' })
    const { events } = (await desk.get('/events?event_type=trading_signal')).body
    expect(events.map(({ event_id: id }: { event_id: string }) => id)).toEqual(['order-18', 'order-19'])
    expect(await desk.post('/events', order('order-18', 1))).toMatchObject({ status: 200, body: { duplicate: true } })
  }
}
