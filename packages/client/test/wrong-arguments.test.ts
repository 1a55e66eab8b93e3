import { EventClient } from '@tradpal/event-client'
import { expect, test } from 'vitest'

/** As plain JavaScript calls it: the compiler refuses each of these. */
// biome-ignore lint/suspicious/noExplicitAny: it is the point of the test
type Loose = any

test.each<[call: string, args: readonly unknown[], told: string]>([
  ['publishEvent', [null], 'The event has no eventId; make it with createEvent.'],
  ['publishBatch', [null], 'A batch must be a list of events; publishEvent() takes one event.'],
  ['checkBatch', [{ event_type: 'risk_alert' }], 'A batch must be a list of events; publishEvent() takes one event.'],
  ['publishMarketData', ['AAPL', 231], 'data must be an object, got 231.']
])('%s of the client refuses %j before it sends anything', async (call, args, told) => {
  const fetch = () => {
    throw new Error('it was sent')
  }
  const client: Loose = new EventClient({ fetch })

  await expect(client[call](...args)).rejects.toThrow(told)
  await client.close()
})
