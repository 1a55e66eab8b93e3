import { expect, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, EventSubscriber } from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import { GroupPlaces } from '../../src/groups/index.ts'
import { Documents, type Storage, type WorkQueue } from '../../src/log/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isSettling, signal, signals, withFaults } from '../support/events.ts'
import { type SpawnedConsumer, spawnConsumer } from '../support/spawn-consumer.ts'

function subscriberOn(storage: Storage): EventSubscriber {
  const subscriber = new EventSubscriber({ storage })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  return subscriber
}

/** A member that notes what it handles as `<event id> <attempt>`. */
async function startMember(storage: Storage, options: ConsumeOptions): Promise<{ seen: string[] }> {
  const subscriber = subscriberOn(storage)
  const seen: string[] = []
  subscriber.registerHandler('*', ({ eventId }, { attempt }) => void seen.push(`${eventId} ${attempt}`))
  await subscriber.startConsuming({ group: 'g', from: 'start', ...options })
  return { seen }
}

async function isSettled(storage: Storage): Promise<boolean> {
  const { pending, lag } = await storage.queue('g').info()
  return pending === 0 && lag === 0
}

function spawned(consumer: SpawnedConsumer): SpawnedConsumer {
  onTestFinished(() => consumer.kill())
  return consumer
}

describeOnEachLog('the life of a consumer', (logs) => {
  test('closing waits for the handler that runs and hands the rest back, at once and uncounted', async () => {
    const storage = await logs.open()
    const events = signals(5)
    await append(storage, ...events)
    const subscriber = subscriberOn(storage)
    const gate = Promise.withResolvers<void>()
    const begun: string[] = []
    subscriber.registerHandler('*', async ({ eventId }) => {
      begun.push(eventId)
      await gate.promise
    })
    const consumer = await subscriber.startConsuming({ group: 'g', consumer: 'one', from: 'start' })
    await waitFor(async () => (await storage.queue('g').info()).pending === 5 && begun.length === 1)
    const closing = consumer.close()
    gate.resolve()
    expect(await closing).toEqual({ handedBack: 4, unfinished: 0 })
    expect(begun).toEqual([events[0]?.eventId])
    expect(subscriber.consumers).toBe(0)
    const { seen } = await startMember(storage, { consumer: 'two', claimAfterMs: 50 })
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual(events.slice(1).map(({ eventId }) => `${eventId} 1`))
  })

  test('a handler that is not done when closing runs out of time sees its signal aborted, and its event is another member’s', async () => {
    const storage = await logs.open()
    const [event] = signals(1)
    const subscriber = subscriberOn(storage)
    let signalOfHandler: AbortSignal | undefined
    const gate = Promise.withResolvers<void>()
    subscriber.registerHandler('*', async (_, context) => {
      signalOfHandler = context.signal
      await gate.promise
    })
    const consumer = await subscriber.startConsuming({ group: 'g', consumer: 'one', from: 'start' })
    await append(storage, event ?? signal())
    await waitFor(() => signalOfHandler)
    expect(await consumer.close({ timeoutMs: 30 })).toEqual({ handedBack: 0, unfinished: 1 })
    expect(signalOfHandler?.aborted).toBe(true)
    const { seen } = await startMember(storage, { consumer: 'two', claimAfterMs: 50 })
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual([`${event?.eventId} 2`])
    gate.resolve()
  })

  test('what a killed process held is taken over by the living, and what it was done with and could not say comes again', async () => {
    const storage = await logs.open()
    const [hanging, done, third] = signals(3)
    if (!hanging || !done || !third) throw new Error('three signals')
    await append(storage, hanging)
    const first = spawned(spawnConsumer(logs.place, 'g', 'hangs', 'hang'))
    await first.handledCount(1)
    await first.kill()
    await append(storage, done)
    const second = spawned(spawnConsumer(logs.place, 'g', 'is-done', 'done'))
    await second.handledCount(1)
    await second.kill()
    await append(storage, third)
    const { seen } = await startMember(storage, { consumer: 'lives', claimAfterMs: 100 })
    await waitFor(() => isSettled(storage))
    expect(seen.toSorted()).toEqual([`${hanging.eventId} 2`, `${done.eventId} 2`, `${third.eventId} 1`].toSorted())
  })

  test('a process that comes back under its name takes up at once what it left', async () => {
    const storage = await logs.open()
    const [event] = signals(1)
    await append(storage, event ?? signal())
    const crashed = spawned(spawnConsumer(logs.place, 'g', 'same-name', 'hang'))
    await crashed.handledCount(1)
    await crashed.kill()
    const { seen } = await startMember(storage, { consumer: 'same-name', claimAfterMs: 3_600_000 })
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual([`${event?.eventId} 2`])
  })

  test('a live member keeps what it works on, however long that takes', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    let handled = 0
    const gate = Promise.withResolvers<void>()
    subscriber.registerHandler('*', async () => {
      handled++
      await gate.promise
    })
    await subscriber.startConsuming({ group: 'g', consumer: 'slow', from: 'start', claimAfterMs: 300 })
    await append(storage, signal())
    await waitFor(() => handled === 1)
    const { seen } = await startMember(storage, { consumer: 'greedy', claimAfterMs: 300 })
    let mostIdleMs = 0
    const since = performance.now()
    while (performance.now() - since < 1_000) {
      const [pending] = await storage.queue('g').pending({ limit: 1 })
      mostIdleMs = Math.max(mostIdleMs, pending?.idleMs ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    gate.resolve()
    await waitFor(() => isSettled(storage))
    expect(mostIdleMs).toBeGreaterThan(50)
    expect([handled, seen]).toEqual([1, []])
  })

  test('a member whose event was taken over meanwhile sees its signal aborted, and its success does not count', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    let signalOfHandler: AbortSignal | undefined
    const gate = Promise.withResolvers<void>()
    subscriber.registerHandler('*', async (_, context) => {
      signalOfHandler = context.signal
      await gate.promise
    })
    await subscriber.startConsuming({ group: 'g', consumer: 'frozen', from: 'start', claimAfterMs: 600 })
    await append(storage, signal())
    await waitFor(() => signalOfHandler)
    await storage.queue('g').claim('thief', { minIdleMs: 0, limit: 1 })
    await waitFor(() => signalOfHandler?.aborted)
    gate.resolve()
    await subscriber.close()
    expect((await storage.queue('g').pending({ limit: 10 })).map(({ consumer }) => consumer)).toEqual(['thief'])
  })

  test('an event that kills whoever handles it is given up unhandled in the end', async () => {
    const storage = await logs.open()
    await append(storage, signal())
    const group = storage.queue('g')
    await group.create('start')
    await group.read('dies', { limit: 1, waitMs: 0 })
    for (let crash = 1; crash < 6; crash++) await group.claim('dies', { minIdleMs: 0, limit: 1 })
    const { seen } = await startMember(storage, { consumer: 'dies', maxAttempts: 2 })
    const letter = await waitFor(async () => (await new DeadLetters({ storage }).list({ limit: 1 }))[0])
    expect(letter).toMatchObject({
      kind: 'exhausted',
      lastError: { message: 'It was handed out 6 times and never finished.' }
    })
    expect(seen).toEqual([])
  })

  test('a group that is dropped under its consumer is made again where it stood, and loses nothing', async () => {
    const storage = await logs.open()
    const { seen } = await startMember(storage, { consumer: 'one' })
    const [before, after] = signals(2)
    await append(storage, before ?? signal())
    await waitFor(() => isSettled(storage))
    await new GroupPlaces(new Documents(storage)).keep(storage.queue('g'))
    await storage.queue('g').destroy()
    await append(storage, after ?? signal())
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual([`${before?.eventId} 1`, `${after?.eventId} 1`])
  })

  test('an acknowledgement that fails is sent again, and the handler is not', async () => {
    const storage = await logs.open()
    let failures = 0
    const faulty = withFaults(storage, {
      queue: (name) => {
        const group = storage.queue(name)
        const acknowledge = group.acknowledge.bind(group)
        return Object.assign(group, {
          acknowledge: (consumer, holds) =>
            failures++ < 3 ? Promise.reject(new Error('the network')) : acknowledge(consumer, holds)
        } satisfies Partial<WorkQueue>)
      }
    })
    const { seen } = await startMember(faulty, { consumer: 'one' })
    const event = signal()
    await append(storage, event)
    await waitFor(() => isSettled(storage))
    expect(failures).toBe(4)
    expect(seen).toEqual([`${event.eventId} 1`])
  })

  test('retries and successes that can be told only later, and then together, take up no room for ever', async () => {
    const storage = await logs.open()
    let failures = 0
    const faulty = withFaults(storage, {
      commit: (units) => {
        const isFailing = units.some(isSettling) && failures++ < 3
        return isFailing ? Promise.reject(new Error('the network')) : storage.commit(units)
      }
    })
    const subscriber = subscriberOn(faulty)
    const failed = new Set<string>()
    subscriber.registerHandler('*', ({ eventId }) => {
      if (failed.has(eventId)) return
      failed.add(eventId)
      throw new Error('once')
    })
    await append(storage, ...signals(40))
    const backoff = { initialMs: 1, maxMs: 1 }
    await subscriber.startConsuming({ group: 'g', from: 'start', prefetch: 4, concurrency: 4, backoff })
    await waitFor(() => isSettled(storage))
    expect(failed.size).toBe(40)
    expect(failures).toBeGreaterThan(3)
  })

  test('closing while it starts hands back what it took up, and a closed subscriber starts no other', async () => {
    const storage = await logs.open()
    const [messageId] = await append(storage, signal())
    const group = storage.queue('g')
    await group.create('start')
    await group.read('one', { limit: 1, waitMs: 0 })
    const subscriber = subscriberOn(storage)
    const seen: string[] = []
    subscriber.registerHandler('*', ({ eventId }) => void seen.push(eventId))
    const starting = subscriber.startConsuming({ group: 'g', consumer: 'one' })
    await subscriber.close()
    await starting
    expect([subscriber.consumers, seen]).toEqual([0, []])
    const taken = await group.claim('two', { minIdleMs: 3_600_000, limit: 10 })
    expect(taken.map((delivery) => [delivery.messageId, delivery.attempt])).toEqual([[messageId, 2]])
    await expect(subscriber.startConsuming({ group: 'g' })).rejects.toMatchObject({ code: 'closed' })
  })
})
