import { EventClient } from '@tradpal/event-client'
import { expect, test } from 'vitest'

/** As plain JavaScript calls it: the compiler refuses each of these. */
// biome-ignore lint/suspicious/noExplicitAny: it is the point of the test
type Loose = any

test.each<[call: string, args: readonly unknown[], told: string]>([
  ['publishEvent', [null], 'The event has no eventId; make it with createEvent.'],
  ['publishBatch', [null], 'A batch must be a list of events; publishEvent() takes one event.'],
  ['checkBatch', [{ event_type: 'risk_alert' }], 'A batch must be a list of events; publishEvent() takes one event.'],
  ['publishMarketData', ['AAPL', 231], 'data must be an object, got 231.'],
  ['versionOf', [null], 'stream_key must be a text or a number, got null.'],
  ['getEvents', [{ eventType: null }], 'eventType must be an event type or a list of them, got null.'],
  ['getEvents', [{ after: {} }], 'after must be a text or a number, got object.'],
  ['replayEvents', [{ signal: 5 }, () => {}], 'signal must be an AbortSignal, got number.'],
  ['consume', ['g', () => {}, null], 'consume() takes an object with options'],
  ['consume', ['g', () => {}, { signal: {} }], 'signal must be an AbortSignal, got object.']
])('%s of the client refuses %j before it sends anything', async (call, args, told) => {
  const fetch = () => {
    throw new Error('it was sent')
  }
  const client: Loose = new EventClient({ fetch })

  await expect(client[call](...args)).rejects.toThrow(told)
  await client.close()
})

test.each<[options: unknown, told: string]>([
  [null, 'subscribe() takes an object with options'],
  [{ signal: true }, 'signal must be an AbortSignal, got boolean.'],
  [{ eventType: null }, 'eventType must be an event type or a list of them, got null.']
])('a subscription with the options %j is refused at once', async (options, told) => {
  const client: Loose = new EventClient()
  expect(() => client.subscribe(options)).toThrow(told)
  await client.close()
})
