import { createEvent } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventSubscriber } from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import type { Storage, WorkQueue } from '../../src/log/index.ts'
import { type DeadLetteredMessage, diagnostics } from '../../src/runtime/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isSettling, signal, withFaults } from '../support/events.ts'

const soon = { initialMs: 1, maxMs: 1 }

function subscriberOn(storage: Storage, parts: { clock?: FakeClock; random?: () => number } = {}): EventSubscriber {
  const subscriber = new EventSubscriber({ storage, ...parts })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  return subscriber
}

function fail(): never {
  throw new Error('There is nothing to see.')
}

async function isSettled(storage: Storage): Promise<boolean> {
  const { pending, lag } = await storage.queue('g').info()
  return pending === 0 && lag === 0
}

describeOnEachLog('a handler that throws', (logs) => {
  test('gets its event again, with the attempts counted, until it is done', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const attempts: number[] = []
    subscriber.registerHandler('*', (_, { attempt }) => {
      attempts.push(attempt)
      if (attempt < 4) throw new Error('not yet')
    })
    await subscriber.startConsuming({ group: 'g', backoff: soon })
    await append(storage, signal())
    await waitFor(() => isSettled(storage))
    expect(attempts).toEqual([1, 2, 3, 4])
    expect(await new DeadLetters({ storage }).count()).toBe(0)
  })

  test.each([
    [() => null, /^null$/],
    [() => Object.create(null), /^object without a text$/],
    [() => Object.assign(new Error('no'), { stack: null }), /^no$/],
    [() => Object.assign(new Error('no'), { stack: [] }), /^no$/],
    [() => Object.defineProperty(new Error('no'), 'stack', { get: fail }), /cannot be read/],
    [() => Object.defineProperty(new Error('no'), 'message', { get: fail }), /cannot be read/],
    [() => new Proxy(new Error('no'), { getPrototypeOf: fail }), /cannot be read/],
    [() => new Error('x'.repeat(17_000_000)), /^x{8000}$/]
  ])('with an odd error %# is given up like any other, and holds up nobody else', async (odd, message) => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const handled: string[] = []
    subscriber.registerHandler('*', ({ eventId }, { attempt }) => {
      if (eventId === 'odd') throw odd()
      if (attempt === 1) throw new Error('not yet')
      handled.push(eventId)
    })
    await subscriber.startConsuming({ group: 'g', backoff: soon, maxAttempts: 2, concurrency: 4 })
    await append(storage, { ...signal(), eventId: 'odd' }, { ...signal(), eventId: 'other' })
    await waitFor(() => isSettled(storage))
    expect(handled).toEqual(['other'])
    const letters = await new DeadLetters({ storage }).list({ group: 'g', limit: 10 })
    expect(letters).toMatchObject([{ kind: 'exhausted', attempts: 2 }])
    expect(letters[0]?.lastError.message).toMatch(message)
  })

  test('is told of when it is given up, though its member asks the log in between whether it still has the event', async () => {
    const storage = await logs.open()
    const nobodyHasIt = Promise.withResolvers<void>()
    const asked = withFaults(storage, {
      async commit(units) {
        const results = await storage.commit(units)
        if (units.some(isSettling)) await nobodyHasIt.promise
        return results
      },
      queue: (name) => {
        const group = storage.queue(name)
        const extend = group.extend.bind(group)
        return Object.assign(group, {
          async extend(consumer, holds) {
            const lost = await extend(consumer, holds)
            if (lost.length > 0) setImmediate(nobodyHasIt.resolve)
            return lost
          }
        } satisfies Partial<WorkQueue>)
      }
    })
    const told: DeadLetteredMessage[] = []
    const hear = (message: unknown) => told.push(message as DeadLetteredMessage)
    diagnostics.deadLettered.subscribe(hear)
    onTestFinished(() => void diagnostics.deadLettered.unsubscribe(hear))
    const subscriber = subscriberOn(asked)
    subscriber.registerHandler('*', () => {
      throw new Error('no')
    })
    await subscriber.startConsuming({ group: 'g', maxAttempts: 1, claimAfterMs: 30 })
    const [messageId] = await append(storage, signal())
    await waitFor(() => told.some((message) => message.storage === asked))
    expect(told.filter((message) => message.storage === asked)).toMatchObject([{ messageId, kind: 'exhausted' }])
    expect(await new DeadLetters({ storage }).count()).toBe(1)
  })

  test('waits out a backoff that doubles, and holds up nobody else meanwhile', async () => {
    const storage = await logs.open()
    const clock = new FakeClock()
    const subscriber = subscriberOn(storage, { clock, random: () => 1 })
    const seen: string[] = []
    subscriber.registerHandler('*', ({ eventId }, { attempt }) => {
      seen.push(`${eventId} ${attempt}`)
      if (eventId === 'fails') throw new Error('no')
    })
    await subscriber.startConsuming({ group: 'g', backoff: { initialMs: 100, maxMs: 150 } })
    await append(storage, { ...signal(), eventId: 'fails' }, { ...signal(), eventId: 'next' })
    await waitFor(() => seen.length === 2)
    expect(seen).toEqual(['fails 1', 'next 1'])
    for (const [attempt, waitMs] of [100, 150, 150].entries()) {
      // What it does now and then, and the retry.
      await waitFor(() => clock.sleeping === 5)
      await clock.advance(waitMs - 1)
      expect(seen).toHaveLength(2 + attempt)
      await clock.advance(1)
      await waitFor(() => seen.at(-1) === `fails ${attempt + 2}`)
    }
  })

  test('takes no room from the others while it waits', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage, { clock: new FakeClock() })
    const seen: string[] = []
    subscriber.registerHandler('*', ({ eventId }) => {
      seen.push(eventId)
      if (eventId !== 'last') throw new Error('no')
    })
    await subscriber.startConsuming({ group: 'g', prefetch: 1 })
    const ids = ['1', '2', '3', '4', '5', 'last']
    await append(storage, ...ids.map((eventId) => ({ ...signal(), eventId })))
    await waitFor(() => seen.length === 6)
    expect(seen).toEqual(ids)
  })

  test('is the only one to get it again: those that were done with it are not run twice', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const runs: string[] = []
    subscriber.registerHandler('*', () => void runs.push('before'))
    subscriber.registerHandler('*', (_, { attempt }) => {
      runs.push(`failing ${attempt}`)
      if (attempt === 1) throw new Error('once')
    })
    subscriber.registerHandler('*', () => void runs.push('behind'))
    await subscriber.startConsuming({ group: 'g', backoff: soon })
    await append(storage, signal())
    await waitFor(() => isSettled(storage))
    expect(runs).toEqual(['before', 'failing 1', 'behind', 'failing 2'])
  })

  test('sends it to the dead letters after maxAttempts, with the reason; put back, it starts again at attempt 1', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    let healthy = false
    const attempts: number[] = []
    subscriber.registerHandler('*', async (_, { attempt }) => {
      attempts.push(attempt)
      if (!healthy) throw new RangeError('the desk is closed')
    })
    await subscriber.startConsuming({
      group: 'g',
      consumer: 'one',
      maxAttempts: 3,
      backoff: soon,
      claimAfterMs: 50
    })
    const [messageId] = await append(storage, signal())
    const letter = await waitFor(async () => (await new DeadLetters({ storage }).list({ group: 'g', limit: 10 }))[0])
    expect(letter).toMatchObject({
      messageId,
      group: 'g',
      consumer: 'one',
      kind: 'exhausted',
      handler: 'handler-1',
      eventType: 'trading_signal',
      firstError: { message: 'the desk is closed' },
      lastError: { message: 'the desk is closed' },
      attempts: 3
    })
    expect(letter.lastError.stack).toContain('RangeError: the desk is closed')
    expect(letter, 'nothing of the options of its consumer').not.toHaveProperty('prefetch')
    expect(await isSettled(storage)).toBe(true)
    healthy = true
    await new DeadLetters({ storage }).requeue(letter.id, { by: 'test' })
    await waitFor(() => isSettled(storage))
    expect(attempts).toEqual([1, 2, 3, 1])
    expect(await new DeadLetters({ storage }).count()).toBe(0)
  })

  test('says in the dead letter what each of several said', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    for (const reason of ['one', 'two']) subscriber.registerHandler('*', () => Promise.reject(new Error(reason)))
    await subscriber.startConsuming({ group: 'g', maxAttempts: 1 })
    await append(storage, signal())
    const letter = await waitFor(async () => (await new DeadLetters({ storage }).list({ limit: 1 }))[0])
    expect(letter.lastError.message).toBe('2 handlers failed: one; two')
  })

  test('keeps its count over a restart of the consumer', async () => {
    const storage = await logs.open()
    const attempts: number[] = []
    const handle = (_: unknown, { attempt }: { attempt: number }) => {
      attempts.push(attempt)
      if (attempt < 3) throw new Error('not yet')
    }
    for (let start = 1; start <= 3; start++) {
      const subscriber = subscriberOn(storage, { clock: new FakeClock(), random: () => 0 })
      subscriber.registerHandler('*', handle)
      await subscriber.startConsuming({ group: 'g', consumer: 'one', from: 'start' })
      if (start === 1) await append(storage, signal())
      await waitFor(() => attempts.length === start)
      await subscriber.close()
    }
    expect(attempts).toEqual([1, 2, 3])
    expect(await isSettled(storage)).toBe(true)
  })
})

describeOnEachLog('an entry that is no event', (logs) => {
  test.each([
    ['is no JSON', 'garbage', /^The text is not JSON/],
    ['lacks a part', '{"event_type":"trading_signal"}', /^event_id is missing/]
  ])('because it %s goes to the dead letters at once as poison, and the group goes on', async (_, payload, reason) => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const handled: string[] = []
    subscriber.registerHandler('trading_signal', ({ eventId }) => void handled.push(eventId))
    await subscriber.startConsuming({ group: 'g' })
    await storage.log.append([{ eventId: 'poison', eventType: 'trading_signal', payload }])
    const next = signal()
    await append(storage, next)
    await waitFor(() => handled.length === 1)
    expect(handled).toEqual([next.eventId])
    const [letter] = await waitFor(async () => {
      const letters = await new DeadLetters({ storage }).list({ group: 'g', limit: 10 })
      return letters.length === 1 && letters
    })
    expect(letter).toMatchObject({ kind: 'poison', attempts: 0, payload })
    expect(letter?.lastError.message).toMatch(reason)
    await waitFor(() => isSettled(storage))
  })

  test('does not concern a type of which this process knows nothing, which passes', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const handled: string[] = []
    subscriber.registerHandler('*', ({ eventType }) => void handled.push(eventType))
    await subscriber.startConsuming({ group: 'g' })
    await append(storage, { ...createEvent('system_health', {}), eventType: 'of_another_service' })
    await waitFor(() => isSettled(storage))
    expect(handled).toEqual(['of_another_service'])
    expect(await new DeadLetters({ storage }).count()).toBe(0)
  })
})
