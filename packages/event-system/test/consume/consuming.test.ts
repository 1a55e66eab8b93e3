import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createEvent, EventType } from '@tradpal/events'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { type ConsumeOptions, EventSubscriber, type HandlerContext } from '../../src/consume/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { EventPublisher } from '../../src/publish/index.ts'
import type { ConsumedMessage, Logger } from '../../src/runtime/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, isGroupSettled, signal, signals, timesOf } from '../support/events.ts'

function subscriberOn(storage: Storage, options: { logger?: Logger } = {}): EventSubscriber {
  const subscriber = new EventSubscriber({ storage, ...options })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  return subscriber
}

async function isSettled(storage: Storage, group: string): Promise<boolean> {
  return isGroupSettled(storage, group)
}

describeOnEachLog('consuming', (logs) => {
  test('each event goes to the handlers of its type, typed, and is acknowledged; one that nobody handles is acknowledged too', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const seen: unknown[] = []
    subscriber.registerHandler(EventType.TRADING_SIGNAL, (event) => {
      expectTypeOf(event.data.symbol).toEqualTypeOf<string>()
      seen.push(['signal', event.messageId, event.data.symbol])
    })
    subscriber.registerHandler(
      ['risk_alert', 'trading_signal'],
      async (event) => void seen.push(['list', event.messageId])
    )
    await subscriber.startConsuming({ group: 'g' })
    const [first, , third] = await append(
      storage,
      signal('AAPL'),
      createEvent('system_health', {}),
      createEvent('risk_alert', {})
    )
    await waitFor(() => isSettled(storage, 'g'))
    expect(seen).toEqual([
      ['signal', first, 'AAPL'],
      ['list', first],
      ['list', third]
    ])
  })

  test('the context says which delivery it is, and its logger carries that', async () => {
    const storage = await logs.open()
    const details: object[] = []
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: () => {},
      child: (more) => {
        details.push(more)
        return logger
      }
    }
    const subscriber = subscriberOn(storage, { logger })
    const contexts: HandlerContext[] = []
    subscriber.registerHandler('*', (_, context) => {
      context.logger.info({}, 'handled')
      contexts.push(context)
    })
    await subscriber.startConsuming({ group: 'g', consumer: 'one' })
    const event = signal()
    const [messageId] = await append(storage, event)
    await waitFor(() => contexts.length === 1)
    expect(contexts[0]).toMatchObject({ messageId, group: 'g', consumer: 'one', attempt: 1 })
    expect(contexts[0]?.signal.aborted).toBe(false)
    expect(details).toEqual([
      { group: 'g', consumer: 'one' },
      { messageId, eventId: event.eventId, eventType: 'trading_signal', handler: 'handler-1' }
    ])
  })

  test('the members of a group share its events, each to one of them; another group gets them all', async () => {
    const storage = await logs.open()
    const handledBy: Record<string, string[]> = { one: [], two: [], other: [] }
    const members = [
      { group: 'shared', consumer: 'one' },
      { group: 'shared', consumer: 'two' },
      { group: 'other', consumer: 'other' }
    ]
    for (const member of members) {
      const subscriber = subscriberOn(await logs.open())
      subscriber.registerHandler('*', async (event) => {
        handledBy[member.consumer]?.push(event.eventId)
        await new Promise((resolve) => setImmediate(resolve))
      })
      await subscriber.startConsuming({ ...member, from: 'start', prefetch: 1 })
    }
    const events = signals(200)
    await append(storage, ...events)
    await waitFor(async () => (await isSettled(storage, 'shared')) && (await isSettled(storage, 'other')))
    const all = events.map(({ eventId }) => eventId)
    expect([...(handledBy.one ?? []), ...(handledBy.two ?? [])].sort()).toEqual([...all].sort())
    expect(handledBy.one?.length).toBeGreaterThan(0)
    expect(handledBy.two?.length).toBeGreaterThan(0)
    expect(handledBy.other).toEqual(all)
  })

  test('a group that is made begins where it is told to; one that exists goes on where it stands', async () => {
    const storage = await logs.open()
    const events = signals(4)
    const ids = await append(storage, ...events.slice(0, 2))
    const [, second = 0] = await timesOf(storage, ids)
    await waitFor(() => Date.now() > second)
    const between = new Date()
    ids.push(...(await append(storage, ...events.slice(2))))
    const handledFrom = async (group: string, from: 'start' | 'new' | string | Date) => {
      const subscriber = subscriberOn(storage)
      const seen: string[] = []
      subscriber.registerHandler('*', ({ messageId }) => void seen.push(messageId))
      await subscriber.startConsuming({ group, from })
      await waitFor(() => isSettled(storage, group))
      await subscriber.close()
      return seen
    }
    expect(await handledFrom('start', 'start')).toEqual(ids)
    expect(await handledFrom('new', 'new')).toEqual([])
    expect(await handledFrom('id', ids[0] ?? '')).toEqual(ids.slice(1))
    expect(await handledFrom('date', between)).toEqual(ids.slice(2))
    expect(await handledFrom('start', 'start')).toEqual([])
  })

  test('what is published once startConsuming has resolved is handled, also by a group that begins with the new', async () => {
    const storage = await logs.open()
    for (let i = 0; i < 20; i++) {
      const subscriber = subscriberOn(storage)
      const seen = new Promise<string>((resolve) =>
        subscriber.registerHandler('*', ({ messageId }) => resolve(messageId))
      )
      await subscriber.startConsuming({ group: `g${i}` })
      const [messageId] = await append(storage, signal())
      expect(await seen).toBe(messageId)
      await subscriber.close()
    }
  })

  test('with concurrency 1 events are handled one after another in log order', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const order: number[] = []
    let running = 0
    let most = 0
    subscriber.registerHandler(EventType.TRADING_SIGNAL, async (event) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(event.data.price as number)
      running--
    })
    await append(storage, ...signals(300))
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    await waitFor(() => isSettled(storage, 'g'))
    expect(order).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect(most).toBe(1)
  })

  test('with a higher concurrency so many are handled at the same time, and no more', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    let running = 0
    const gate = Promise.withResolvers<void>()
    subscriber.registerHandler('*', async () => {
      running++
      await gate.promise
    })
    await append(storage, ...signals(10))
    await subscriber.startConsuming({ group: 'g', from: 'start', concurrency: 4, prefetch: 2 })
    await waitFor(async () => running >= 4 && (await storage.queue('g').info()).pending === 6)
    expect(running).toBe(4)
    gate.resolve()
    await waitFor(() => isSettled(storage, 'g'))
    expect(running).toBe(10)
  })

  test('an event that a handler publishes, however deep, names what it handled', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const publisher = new EventPublisher({ storage })
    const publishLater = () =>
      new Promise((resolve) => setTimeout(() => resolve(publisher.publishSystemEvent('system_health', {})), 1))
    subscriber.registerHandler(EventType.TRADING_SIGNAL, () => publishLater().then(() => {}))
    const effect = new Promise<object>((resolve) =>
      subscriber.registerHandler('system_health', ({ metadata }) => resolve(metadata))
    )
    await subscriber.startConsuming({ group: 'g' })
    const cause = signal()
    await append(storage, cause)
    expect(await effect).toEqual({ correlation_id: cause.eventId, causation_id: cause.eventId })
  })

  test('a handler that is registered or taken back while consuming counts from the next event on', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const seen: string[] = []
    const takeBack = subscriber.registerHandler('*', () => void seen.push('first'))
    await subscriber.startConsuming({ group: 'g' })
    await append(storage, signal())
    await waitFor(() => seen.length === 1)
    takeBack()
    subscriber.registerHandler('*', () => void seen.push('second'))
    await append(storage, signal())
    await waitFor(() => isSettled(storage, 'g'))
    expect(seen).toEqual(['first', 'second'])
  })

  test('subscribers of the diagnostics channel learn how long delivery and handling took', async () => {
    const storage = await logs.open()
    const messages: ConsumedMessage[] = []
    const listen = (message: unknown) => void messages.push(message as ConsumedMessage)
    subscribe('tradpal:event-system:consumed', listen)
    onTestFinished(() => void unsubscribe('tradpal:event-system:consumed', listen))
    const subscriber = subscriberOn(storage)
    subscriber.registerHandler('*', () => new Promise((resolve) => setTimeout(resolve, 20)))
    await subscriber.startConsuming({ group: 'g' })
    await append(storage, signal())
    await waitFor(() => messages.length === 1)
    expect(messages[0]).toMatchObject({ group: 'g', eventType: 'trading_signal', attempt: 1, error: undefined })
    expect(messages[0]?.storage).toBe(storage)
    expect(messages[0]?.handlingMs).toBeGreaterThanOrEqual(19)
    expect(messages[0]?.deliveryMs).toBeGreaterThanOrEqual(0)
  })

  test.each([
    [{ concurrency: 0 }, 'concurrency must be a whole number of at least 1, got 0.'],
    [{ prefetch: 1.5 }, 'prefetch must be a whole number of at least 1, got 1.5.'],
    [{ maxAttempts: Number.NaN }, 'maxAttempts must be a whole number of at least 1, got NaN.'],
    [{ claimAfterMs: 1 }, 'claimAfterMs must be a number of ms from 10 to 2147483647, got 1.'],
    [{ group: '' }, 'group must be 1 to 200 characters without control characters, and not . or .., got "".'],
    [{ group: 'a\nb' }, 'group must be 1 to 200 characters without control characters, and not . or .., got "a\\nb".'],
    [{ consumer: '' }, 'consumer must be 1 to 200 characters without control characters, and not . or .., got "".'],
    [{ backoff: { initialMs: -1 } }, 'backoff.initialMs must be a number of ms from 0 to 2147483647, got -1.'],
    [{ group: '..' }, 'group must be 1 to 200 characters without control characters, and not . or .., got "..".'],
    [{ consumer: '.' }, 'consumer must be 1 to 200 characters without control characters, and not . or .., got ".".'],
    [{ backoff: 5 }, 'backoff takes an object with options (initialMs, maxMs), got 5.'],
    [{ backoff: null }, 'backoff takes an object with options (initialMs, maxMs), got null.'],
    [{ backoff: { factor: 2 } }, 'factor is no option of backoff; its options are initialMs, maxMs.'],
    [{ backoff: { initialMs: 200, maxMs: 100 } }, 'backoff.initialMs must be at most backoff.maxMs (100), got 200.'],
    [
      { backoff: { initialMs: 60_000 } },
      'backoff.initialMs must be at most backoff.maxMs (30000, which is the default), got 60000.'
    ],
    [{ from: 5 }, "from must be 'new', 'start', a message id or a Date, got 5."],
    [{ orderin: 'key' } as ConsumeOptions, 'orderin is no option of startConsuming(); did you mean ordering?'],
    [{ ordering: 'key', leaseMs: 0 }, 'leaseMs must be a number of ms from 50 to 2147483647, got 0.'],
    [{ ordering: 'key', partitions: 0 }, 'partitions must be a whole number of at least 1 and at most 1024, got 0.'],
    [{ from: new Date(Number.NaN) }, 'from is an invalid Date.']
  ] as [ConsumeOptions, string][])('%o is refused in a sentence, and no group is made', async (options, sentence) => {
    const storage = await logs.open()
    const starting = subscriberOn(storage).startConsuming({ group: 'g', ...options })
    await expect(starting).rejects.toMatchObject({ code: 'invalid_options', message: sentence })
    expect((await storage.log.info()).groups).toEqual([])
  })
})
