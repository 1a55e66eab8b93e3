import { expect } from 'vitest'
import { get, post, signal } from '../http/support/test-service.ts'
import { attackedService, growthDuring } from './support/attacked-service.ts'

const EVENTS = 40
const MIB = 1_048_576

/** Acknowledges what it has pulled, each under an event type of 500 KB that it has made up. */
export async function inventedEventTypes(): Promise<void> {
  const service = await attackedService()
  const { url } = service
  await post(
    `${url}/events/batch`,
    Array.from({ length: EVENTS }, () => signal())
  )
  const { body } = await post(`${url}/groups/g/pull`, { from: 'start', max: EVENTS, consumer: 'c' })
  expect(body.count).toBe(EVENTS)
  let scraped = 0

  const growth = await growthDuring(service, async () => {
    for (const [i, { event, attempt }] of body.deliveries.entries()) {
      const eventType = `${i}${'x'.repeat(500_000)}`
      const parts = ['g', 'c', event.message_id, attempt, eventType, 5, Date.now()]
      await post(`${url}/groups/g/ack`, { delivery_ids: [Buffer.from(JSON.stringify(parts)).toString('base64url')] })
    }
    scraped = (await get(`${url}/metrics`)).text.length
  })

  expect(scraped).toBeLessThan(MIB)
  expect(growth).toBeLessThan(200 * MIB)
}
