import { expect, onTestFinished, test } from 'vitest'
import { EventSubscriber } from '../../src/consume/index.ts'
import type { WorkQueue } from '../../src/log/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isGroupSettled, signal, withFaults } from '../support/events.ts'

describeOnEachLog('a consumer that tells the log that it is alive', (logs) => {
  test('keeps an event that is delivered to it again before the log answers that the first delivery is lost', async () => {
    const storage = await logs.open()
    const attempts: number[] = []
    const again = Promise.withResolvers<void>()
    const late = withFaults(storage, {
      queue: (name) => {
        const group = storage.queue(name)
        const extend = group.extend.bind(group)
        return Object.assign(group, {
          async extend(consumer, holds) {
            if (holds.some(({ attempt }) => attempt === 1)) await again.promise
            return extend(consumer, holds)
          }
        } satisfies Partial<WorkQueue>)
      }
    })
    const subscriber = new EventSubscriber({ storage: late })
    onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
    const gate = Promise.withResolvers<void>()
    subscriber.registerHandler('*', async (_, { attempt, signal }) => {
      attempts.push(attempt)
      if (attempt > 1) return
      signal.addEventListener('abort', () => again.resolve())
      await gate.promise
    })
    await append(storage, signal())
    await subscriber.startConsuming({ group: 'g', from: 'start', claimAfterMs: 100, concurrency: 2 })
    await waitFor(() => isGroupSettled(storage, 'g'))
    gate.resolve()
    expect(attempts).toEqual([1, 2])
  })
})
