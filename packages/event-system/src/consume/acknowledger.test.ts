import { expect, test } from 'vitest'
import { Acknowledger, type AcknowledgerParts } from './acknowledger.ts'
import { Held } from './held.ts'
import { InFlight } from './in-flight.ts'

test('two flushes at the same time end, while the log takes its time, after a failure that stopped the sending', async () => {
  const answer = Promise.withResolvers<never[]>()
  let calls = 0
  const inFlight = new InFlight({ prefetch: 10, prefetchBytes: 1_000, concurrency: 1 })
  inFlight.certain(Number.POSITIVE_INFINITY)
  const acknowledger = new Acknowledger({
    inFlight,
    recovery: { after: async () => false },
    settling: { acknowledge: () => (++calls === 1 ? Promise.reject(new Error('away')) : answer.promise) }
  } as unknown as AcknowledgerParts)
  const delivery = { messageId: '1-0', appendedAt: 1, payload: null, attempt: 1 }
  inFlight.delivered([new Held(delivery, { event: undefined, key: undefined, error: undefined })])
  const held = inFlight.start(0) as Held
  inFlight.ended(held)
  acknowledger.add(held, undefined)
  while (calls === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  const flushes = [acknowledger.flush(), acknowledger.flush()]
  setTimeout(() => answer.resolve([]), 1)
  await Promise.all(flushes)
  expect({ calls, settled: acknowledger.settled, left: inFlight.size }).toEqual({ calls: 2, settled: 1, left: 0 })
})
