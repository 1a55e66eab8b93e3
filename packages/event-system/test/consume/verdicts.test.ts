import { EventType, Reject, RetryLater } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import {
  batchHandler,
  type ConsumeOptions,
  EventSubscriber,
  type Handler,
  type HandlerOptions
} from '../../src/consume/index.ts'
import { DeadLetters } from '../../src/dead-letters/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals } from '../support/events.ts'

const soon = { initialMs: 1, maxMs: 1 }

async function consume(
  storage: Storage,
  handler: Handler<'trading_signal'>,
  {
    handlerOptions = {},
    clock,
    ...options
  }: ConsumeOptions & { handlerOptions?: HandlerOptions; clock?: FakeClock } = {}
) {
  const subscriber = new EventSubscriber({ storage, ...(clock && { clock }) })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  subscriber.registerHandler(EventType.TRADING_SIGNAL, handler, { name: 'broker', ...handlerOptions })
  return subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon, ...options })
}

async function isSettled(storage: Storage): Promise<boolean> {
  const { pending, lag } = await storage.queue('g').info()
  return pending === 0 && lag === 0
}

describeOnEachLog('what a handler throws', (logs) => {
  test('RetryLater puts the event off for so long, and counts for no attempt', async () => {
    const storage = await logs.open()
    const clock = new FakeClock()
    const runs: number[] = []
    await consume(
      storage,
      () => {
        runs.push(clock.now())
        if (runs.length < 4) throw new RetryLater(60_000)
      },
      { clock, maxAttempts: 1 }
    )
    await append(storage, signal())
    for (let run = 1; run < 4; run++) {
      await waitFor(() => runs.length === run)
      await waitFor(async () => (await storage.queue('g').info()).retrying === 1)
      await clock.advance(59_000)
      expect(runs).toHaveLength(run)
      await clock.advance(1_000)
    }
    await waitFor(async () => runs.length === 4 && (await isSettled(storage)))
    expect(await new DeadLetters({ storage }).count()).toBe(0)
    expect(() => new RetryLater(-1)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  test('Reject sends the event to the dead letters at once, with its reason', async () => {
    const storage = await logs.open()
    let runs = 0
    await consume(storage, () => {
      runs++
      throw new Reject('no such account')
    })
    await append(storage, signal())
    await waitFor(() => isSettled(storage))
    expect(runs).toBe(1)
    expect(await new DeadLetters({ storage }).list({ limit: 10 })).toMatchObject([
      { kind: 'rejected', handler: 'broker', attempts: 1, lastError: { message: 'no such account' } }
    ])
  })

  test('retryOn decides which errors are worth another attempt', async () => {
    const storage = await logs.open()
    const handlerOptions = { retryOn: (error: unknown) => error instanceof RangeError, maxAttempts: 10 }
    let runs = 0
    await consume(
      storage,
      () => {
        if (++runs < 3) throw new RangeError('again')
        throw new TypeError('never')
      },
      { handlerOptions }
    )
    await append(storage, signal())
    await waitFor(() => isSettled(storage))
    expect(runs).toBe(3)
    expect(await new DeadLetters({ storage }).list({ limit: 10 })).toMatchObject([
      { kind: 'rejected', attempts: 3, firstError: { message: 'again' }, lastError: { message: 'never' } }
    ])
  })

  test("a handler's own maxAttempts and backoff go before its consumer's", async () => {
    const storage = await logs.open()
    const clock = new FakeClock()
    let runs = 0
    await consume(
      storage,
      () => {
        runs++
        throw new Error('no')
      },
      {
        clock,
        maxAttempts: 9,
        backoff: { initialMs: 3_600_000, maxMs: 3_600_000 },
        handlerOptions: { maxAttempts: 2, backoff: { initialMs: 0 } }
      }
    )
    await append(storage, signal())
    await waitFor(async () => {
      await clock.advance(1)
      return isSettled(storage)
    })
    expect(runs).toBe(2)
  })

  test('a handler that takes longer than its timeoutMs has failed, and what it does after that does not count', async () => {
    const storage = await logs.open()
    const aborted: unknown[] = []
    let runs = 0
    await consume(
      storage,
      async (_, { signal, attempt }) => {
        runs++
        if (attempt > 1) return
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        aborted.push(signal.reason)
      },
      { handlerOptions: { timeoutMs: 30 } }
    )
    await append(storage, signal())
    await waitFor(async () => runs === 2 && (await isSettled(storage)))
    expect(aborted).toMatchObject([{ code: 'handler_timeout' }])
  })
})

describeOnEachLog('the flow of events', (logs) => {
  test('a batch handler gets events together, and each has a result of its own', async () => {
    const storage = await logs.open()
    const sizes: number[] = []
    const failed = new Set<number>()
    const handler = batchHandler<'trading_signal'>(
      async (items) => {
        sizes.push(items.length)
        return items.map(({ event }) => {
          const price = event.data.price ?? 0
          if (price % 10 !== 3 || failed.has(price)) return undefined
          failed.add(price)
          return new Error('once')
        })
      },
      { maxSize: 20, maxWaitMs: 5 }
    )
    await append(storage, ...signals(100))
    await consume(storage, handler, { concurrency: 50 })
    await waitFor(async () => failed.size === 10 && (await isSettled(storage)))
    expect(Math.max(...sizes)).toBe(20)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(110)
    expect(await new DeadLetters({ storage }).count()).toBe(0)
  })

  test('a batch handler that does not answer for each event has failed on all', async () => {
    const storage = await logs.open()
    await append(storage, ...signals(3))
    await consume(
      storage,
      batchHandler(async () => [undefined], { maxSize: 3, maxWaitMs: 50 }),
      {
        concurrency: 3,
        maxAttempts: 1
      }
    )
    await waitFor(() => isSettled(storage))
    const letters = await new DeadLetters({ storage }).list({ limit: 10 })
    expect(letters).toHaveLength(3)
    expect(letters[0]?.lastError.message).toContain('one result for each')
  })

  test('a consumer that is paused reads nothing and starts nothing, until it is resumed', async () => {
    const storage = await logs.open()
    const seen: number[] = []
    const consumer = await consume(storage, ({ data }) => void seen.push(data.price ?? 0))
    consumer.pause()
    await append(storage, ...signals(3))
    await waitFor(
      async () => (await storage.queue('g').info()).lag === 3 || (await storage.queue('g').info()).pending === 3
    )
    expect(seen).toEqual([])
    consumer.resume()
    await waitFor(() => isSettled(storage))
    expect(seen).toEqual([0, 1, 2])
  })

  test('slow handlers hold up the reading: no more is in hand than prefetch and concurrency say', async () => {
    const storage = await logs.open()
    const gate = Promise.withResolvers<void>()
    await append(storage, ...signals(100))
    await consume(storage, () => gate.promise, { prefetch: 5, concurrency: 3 })
    const pending = async () => (await storage.queue('g').info()).pending
    await waitFor(async () => (await pending()) === 8)
    for (let look = 0; look < 5; look++) expect(await pending()).toBe(8)
    gate.resolve()
    await waitFor(() => isSettled(storage))
  })

  test('nor more than prefetchBytes, but for the page that reaches it', async () => {
    const storage = await logs.open()
    const gate = Promise.withResolvers<void>()
    const large = () => ({ ...signal(), metadata: { text: 'x'.repeat(10_000) } })
    await append(storage, large(), large(), large(), large())
    await consume(storage, () => gate.promise, { prefetch: 1, prefetchBytes: 15_000 })
    const pending = async () => (await storage.queue('g').info()).pending
    await waitFor(async () => (await pending()) === 2)
    await append(storage, large())
    for (let look = 0; look < 5; look++) expect(await pending()).toBe(2)
    gate.resolve()
    await waitFor(() => isSettled(storage))
  })

  test('consumers that are long gone and hold nothing are removed', async () => {
    const storage = await logs.open()
    const group = storage.queue('g')
    await append(storage, ...signals(2))
    await group.create('start')
    await group.acknowledge('gone', await group.read('gone', { limit: 1, waitMs: 0 }))
    await group.read('holds one', { limit: 1, waitMs: 0 })
    await consume(storage, () => {}, { consumer: 'here', forgetConsumersAfterMs: 300, claimAfterMs: 60_000 })
    const names = async () => (await group.info()).consumers.map(({ name }) => name).toSorted()
    expect(await names()).toContain('gone')
    await waitFor(async () => !(await names()).includes('gone'))
    expect(await names()).toEqual(expect.arrayContaining(['holds one']))
  })
})
