import { createEvent, type Event, EventType } from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, EventSubscriber, type HandlerContext } from '../../src/consume/index.ts'
import type { Collections, Storage, WorkQueue } from '../../src/log/index.ts'
import { type Logger, silentLogger } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, isSettling, signal, withFaults } from '../support/events.ts'
import { recordingLogger } from '../support/recording-logger.ts'

const soon = { initialMs: 1, maxMs: 1 }

type Handle = (event: Event, context: HandlerContext) => void | Promise<void>

async function consume(
  storage: Storage,
  handle: Handle,
  options: ConsumeOptions = {},
  { idempotent = false, logger = silentLogger }: { idempotent?: boolean; logger?: Logger } = {}
) {
  const subscriber = new EventSubscriber({ storage, logger })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  subscriber.registerHandler(EventType.TRADING_SIGNAL, handle, { name: 'broker', idempotent })
  return subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon, claimAfterMs: 100, ...options })
}

const order = (symbol = 'AAPL', price = 1) =>
  createEvent(EventType.ORDER_EXECUTED, { symbol, side: 'BUY', quantity: 1, price })

async function isSettled(storage: Storage): Promise<boolean> {
  const { pending, lag } = await storage.queue('g').info()
  return pending === 0 && lag === 0
}

async function orders(storage: Storage): Promise<Event[]> {
  const entries = (await storage.log.read({ limit: 1_000 })).entries
  return entries
    .map(({ payload }) => JSON.parse(payload ?? '{}'))
    .filter(({ event_type }) => event_type === 'order_executed')
}

/** A log whose groups lose the answer of the first settlement: it took place, and nobody knows. */
function losingTheFirstAnswer(storage: Storage): Storage {
  let calls = 0
  return withFaults(storage, {
    commit: async (units) => {
      const results = await storage.commit(units)
      if (units.some(isSettling) && ++calls === 1) throw new Error('the answer was lost')
      return results
    }
  })
}

describeOn(ALL_LOGS, 'context.publish', (logs) => {
  test('holds what a handler publishes until it is done, and names the handled event as its cause', async () => {
    const storage = await logs.open()
    const gate = Promise.withResolvers<void>()
    let hasPublished = false
    await consume(storage, async (_, context) => {
      context.publish(order())
      hasPublished = true
      await gate.promise
    })
    const cause = signal()
    await append(storage, cause)
    await waitFor(() => hasPublished)
    expect(await orders(storage)).toEqual([])
    gate.resolve()
    await waitFor(() => isSettled(storage))
    expect(await orders(storage)).toMatchObject([{ metadata: { causation_id: cause.eventId } }])
  })

  test('appends nothing for an attempt that failed, and once for the one that did not', async () => {
    const storage = await logs.open()
    await consume(storage, (_, context) => {
      context.publish(order('AAPL', context.attempt))
      if (context.attempt < 3) throw new Error('not yet')
    })
    await append(storage, signal())
    await waitFor(async () => (await orders(storage)).length > 0 && isSettled(storage))
    expect((await orders(storage)).map(({ data }) => data.price)).toEqual([3])
  })

  test('appends once when the answer of the log was lost, and once when the group is made again at the start', async () => {
    const storage = await logs.open()
    const first = await consume(losingTheFirstAnswer(storage), (_, context) => context.publish(order()))
    await append(storage, signal())
    await waitFor(async () => (await orders(storage)).length > 0 && isSettled(storage))
    await first.close()
    await storage.queue('g').destroy()
    let handled = 0
    await consume(storage, (_, context) => {
      handled++
      context.publish(order())
    })
    await waitFor(async () => handled === 1 && (await isSettled(storage)))
    expect(await orders(storage)).toHaveLength(1)
  })

  test('drops an event whose id stands for another event, with a warning; the same event again is dropped in silence', async () => {
    const storage = await logs.open()
    const { logger, logged } = recordingLogger()
    const known = order('AAPL', 1)
    await append(storage, known)
    await consume(
      storage,
      (_, context) => {
        context.publish(order('MSFT', 2))
        context.publish({ ...known, data: { price: 1, quantity: 1, side: 'BUY', symbol: 'AAPL' } })
        context.publish({ ...known, data: { ...known.data, price: 1_000 } })
      },
      {},
      { logger }
    )
    const cause = signal()
    const [messageId] = await append(storage, cause)
    await waitFor(() => logged.length > 0)
    expect((await orders(storage)).map(({ data }) => data.price)).toEqual([1, 2])
    expect(logged).toEqual([
      [
        'warn',
        'an event that a handler published was dropped: its event id stands for another event',
        { messageId, eventId: known.eventId, eventType: 'order_executed', firstMessageId: expect.any(String) }
      ]
    ])
    await waitFor(() => isSettled(storage))
  })

  test('appends nothing when another has the event meanwhile', async () => {
    const storage = await logs.open()
    const gate = Promise.withResolvers<void>()
    let running = false
    const consumer = await consume(
      storage,
      async (_, context) => {
        running = true
        context.publish(order())
        await gate.promise
      },
      { claimAfterMs: 60_000 }
    )
    await append(storage, signal())
    await waitFor(() => running)
    const stolen = await storage.queue('g').claim('thief', { minIdleMs: 0, limit: 1 })
    expect(stolen).toHaveLength(1)
    gate.resolve()
    await consumer.close()
    expect(await orders(storage)).toEqual([])
    expect((await storage.queue('g').pending({ limit: 1 }))[0]?.consumer).toBe('thief')
  })

  test('of a handler that is done is kept while another of the same event is tried again', async () => {
    const storage = await logs.open()
    const subscriber = new EventSubscriber({ storage })
    onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
    const runs: string[] = []
    subscriber.registerHandler(
      'trading_signal',
      (_, context) => {
        runs.push('done')
        context.publish(order())
      },
      { name: 'done' }
    )
    subscriber.registerHandler(
      'trading_signal',
      (_, { attempt }) => {
        runs.push(`failing ${attempt}`)
        if (attempt < 3) throw new Error('not yet')
      },
      { name: 'failing' }
    )
    await subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon })
    await append(storage, signal())
    await waitFor(async () => runs.length === 4 && (await isSettled(storage)))
    expect(runs).toEqual(['done', 'failing 1', 'failing 2', 'failing 3'])
    expect(await orders(storage)).toHaveLength(1)
  })

  test('refuses at once what cannot be published, and everything once the handler is done', async () => {
    const storage = await logs.open()
    let late: (() => void) | undefined
    const errors: unknown[] = []
    await consume(storage, (_, context) => {
      try {
        context.publish({ ...order(), data: { symbol: '' } })
      } catch (error) {
        errors.push(error)
      }
      late = () => context.publish(order())
    })
    await append(storage, signal())
    await waitFor(() => isSettled(storage))
    expect(errors).toMatchObject([{ code: 'invalid_data' }])
    expect(late).toThrow(expect.objectContaining({ code: 'delivery_lost' }))
    expect(await orders(storage)).toEqual([])
  })
})

describeOn(ALL_LOGS, 'context.once', (logs) => {
  test('runs a step once over all attempts, and keeps what it returned', async () => {
    const storage = await logs.open()
    const runs: string[] = []
    const results: unknown[] = []
    await consume(storage, async (_, context) => {
      results.push(
        await context.once('charge', async () => {
          runs.push('charge')
          return { receipt: 'größe', nothing: null }
        }),
        await context.once('mail', () => void runs.push('mail'))
      )
      if (context.attempt < 3) throw new Error('not yet')
    })
    await append(storage, signal())
    await waitFor(async () => results.length === 6 && (await isSettled(storage)))
    expect(runs).toEqual(['charge', 'mail'])
    const charge = { receipt: 'größe', nothing: null }
    expect(results).toEqual([charge, undefined, charge, undefined, charge, undefined])
  })

  test('a step that throws may run again; one that a crash cut off is not run, and says so', async () => {
    const storage = await logs.open()
    const event = signal()
    const ledger = { name: 'ledger:g', keepMs: 86_400_000 }
    await storage.commit([{ write: [{ collection: ledger, id: `${event.eventId} once:broker:cut off`, value: '' }] }])
    let tries = 0
    const errors: unknown[] = []
    await consume(storage, async (_, context) => {
      await context.once('flaky', () => {
        if (++tries < 3) throw new Error('not yet')
      })
      await context.once('cut off', () => expect.fail('it may have run before')).catch((error) => errors.push(error))
    })
    await append(storage, event)
    await waitFor(async () => errors.length > 0 && (await isSettled(storage)))
    expect(tries).toBe(3)
    expect(errors).toMatchObject([{ code: 'step_interrupted' }])
  })
})

describeOn(ALL_LOGS, 'an idempotent handler', (logs) => {
  test('does not handle the same event twice in its group, however often it is appended or handed out', async () => {
    const storage = await logs.open()
    const event = signal()
    const handled: string[] = []
    await consume(storage, ({ eventId }) => void handled.push(eventId), {}, { idempotent: true })
    await append(storage, event)
    await waitFor(async () => handled.length === 1 && (await isSettled(storage)))
    await storage.queue('g').seek('start')
    const other = signal()
    await append(storage, other)
    await waitFor(async () => handled.length === 2 && (await isSettled(storage)))
    expect(handled).toEqual([event.eventId, other.eventId])
  })

  test('of a process that was frozen while it asked the ledger begins once the event is known to be its own', async () => {
    const storage = await logs.open()
    const steps: string[] = []
    const { collections } = storage
    const frozen = withFaults(storage, {
      collections: Object.assign(Object.create(null), {
        async get(ledger, ids) {
          const documents = await collections.get(ledger, ids)
          if (steps.includes('frozen') || !ids.some((id) => id.endsWith(' handler:broker'))) return documents
          steps.push('frozen')
          for (const end = Date.now() + 400; Date.now() < end; );
          return documents
        },
        list: collections.list.bind(collections)
      } satisfies Partial<Collections>),
      queue: (name) => {
        const group = storage.queue(name)
        const extend = group.extend.bind(group)
        return Object.assign(group, {
          extend(consumer, holds) {
            steps.push('asked')
            return extend(consumer, holds)
          }
        } satisfies Partial<WorkQueue>)
      }
    })
    await append(storage, signal())
    await consume(frozen, () => void steps.push('handled'), { claimAfterMs: 200 }, { idempotent: true })
    await waitFor(() => isSettled(storage))
    const since = steps.slice(steps.indexOf('frozen'))
    expect(since.slice(0, 2)).toEqual(['frozen', 'asked'])
    expect(since.filter((step) => step === 'handled')).toHaveLength(1)
  })
})
