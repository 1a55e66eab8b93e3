import { expect } from 'vitest'
import { guardedService } from '../http/access/support.ts'
import { signal } from '../http/support/test-service.ts'

/** A neighbour with `publish:*` publishes with the stream key of a desk: the desk expects a version that the key would have no more. */
export async function foreignStreamKeys(): Promise<void> {
  const { as } = await guardedService('redis')
  const desk = await as('desk', ['*'])
  const neighbour = await as('neighbour', ['publish:*'])
  const { source: _, ...event } = signal()
  const queries = ['stream_key=account-7', 'stream_key=account-7&expected_version=0']
  for (const query of queries) {
    await neighbour.post(`/events?${query}`, event)
    await neighbour.post(`/events/batch?${query}`, [event, event])
  }
  expect((await desk.get('/versions?stream_key=account-7')).body.version).toBe(0)
  const published = await desk.post('/events?stream_key=account-7&expected_version=0', event)
  expect(published).toMatchObject({ status: 200, body: { version: 1 } })
}
