import { type ConsumeOptions, EventClient } from '@tradpal/event-client'
import type { EventOf, JsonObject, StoredEvent } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import { expect, onTestFinished, test } from 'vitest'
import { post, serviceOver } from '../http/support/test-service.ts'

const OLD = { symbol: 'X', action: 'BUY' }
const HALF = { symbol: 'X' }

type Read = (client: EventClient, id: string) => Promise<readonly (EventOf<string> | StoredEvent)[]>

/** What a handler of a group gets. */
async function consumed(client: EventClient, group: string, options: ConsumeOptions<string, boolean>) {
  const events: (EventOf<string> | StoredEvent)[] = []
  await client.consume(group, (event) => void events.push(event), { from: 'start', ...options })
  await waitFor(() => events.length === 2)
  return events
}

async function taken<E>(events: AsyncIterable<E>): Promise<E[]> {
  const found: E[] = []
  for await (const event of events) if (found.push(event) === 2) break
  return found
}

async function ofLineage(client: EventClient, id: string, raw: boolean) {
  const { event, effects } = await client.getLineage(id, { raw })
  return [event, ...effects]
}

const WAYS: Readonly<Record<string, (raw: boolean) => Read>> = {
  getEvents: (raw) => (client) => client.getEvents({ raw }),
  getEvent: (raw) => async (client) => {
    const events = await client.getEvents()
    return Promise.all(events.map(({ messageId }) => client.getEvent(messageId, { raw })))
  },
  getLineage: (raw) => (client, id) => ofLineage(client, id, raw),
  streamReplay: (raw) => (client) => Array.fromAsync(client.streamReplay({ raw })),
  subscribe: (raw) => (client) => taken(client.subscribe({ after: 'start', raw })),
  consume: (raw) => (client) => consumed(client, `group_${raw}`, { raw })
}

/** A service that was sent an old shape, and, because of it, one that upcasting cannot complete. */
async function withOldShapes(): Promise<{ client: EventClient; id: string }> {
  const { url } = await serviceOver()
  const client = new EventClient({ url })
  onTestFinished(() => client.close())
  const send = (data: JsonObject, metadata: JsonObject = {}) =>
    post(`${url}/events`, { event_type: 'trading_signal', data, metadata })
  const { message_id: id, event_id } = (await send(OLD)).body
  await send(HALF, { causation_id: event_id })
  return { client, id }
}

test.each(Object.entries(WAYS))(
  '%s answers the newest form, and says of each event whether it is valid',
  async (_, way) => {
    const { client, id } = await withOldShapes()
    expect(await way(false)(client, id)).toMatchObject([
      { valid: true, data: { symbol: 'X', signal: 'BUY' }, metadata: {} },
      {
        valid: false,
        data: HALF,
        fault: { pointer: '/data/signal', message: expect.stringMatching(/signal .* is missing/) }
      }
    ])
  }
)

test.each(Object.entries(WAYS))('%s answers each event as it is stored when it is asked to', async (_, way) => {
  const { client, id } = await withOldShapes()
  const events = await way(true)(client, id)
  expect(events.map(({ data }) => data)).toEqual([OLD, HALF])
  for (const event of events) expect(event).not.toHaveProperty('valid')
})

test('an event of a type that this process does not know is valid, whatever its data', async () => {
  const { url, system } = await serviceOver()
  const payload = '{"event_type":"of_another_service","event_id":"e","timestamp":"2026-11-23T08:00:00","data":{"a":1}}'
  await system.storage.log.append([{ eventId: 'e', eventType: 'of_another_service', payload }])
  await using client = new EventClient({ url })
  expect(await client.getEvents()).toMatchObject([{ eventType: 'of_another_service', valid: true, data: { a: 1 } }])
})
