import { EventClient } from '@tradpal/event-client'
import { createEvent } from '@tradpal/event-system'
import { expect, test } from 'vitest'
import { get, post, serviceOver, signal } from './support/test-service.ts'

const small = () => serviceOver('sqlite', { EVENT_MAX_EVENT_BYTES: '2000' })

test.each([
  ['an event that is right', [signal()], { status: 200, body: { status: 'checked', count: 1 } }],
  ['data that are wrong', [signal(), signal('')], { status: 400, body: { code: 'invalid_data', index: 1 } }],
  [
    'an event that is too large',
    [signal(), signal('X', { note: 'x'.repeat(3_000) })],
    { status: 413, body: { code: 'payload_too_large', index: 1 } }
  ]
])(
  'POST /events/batch?dry_run=true says what a publish would, and publishes nothing: %s',
  async (_, events, answer) => {
    const { url } = await small()
    const checked = await post(`${url}/events/batch?dry_run=true`, events)
    expect(checked).toMatchObject(answer)
    expect((await get(`${url}/events`)).body.count).toBe(0)
  }
)

test('the client checks a batch, and rejects with the index of the first wrong event', async () => {
  const { url } = await small()
  await using client = new EventClient({ url })
  const events = [{}, { price: 'x'.repeat(3_000) }].map((data) => createEvent('system_health' as string, data))
  await client.checkBatch(events.slice(0, 1))
  await expect(client.checkBatch(events)).rejects.toMatchObject({ code: 'payload_too_large', index: 1 })
})
