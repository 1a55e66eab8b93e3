import { createEvent, type Event, EventSystemError, EventType, type JsonObject } from '@tradpal/events'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { canonicalJson } from '../../src/codec/signing/canonical.ts'
import type { Log, Storage } from '../../src/log/index.ts'
import { EventIdConflictError, EventPublisher } from '../../src/publish/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { signal, signals, withFaults } from '../support/events.ts'
import { recordingLogger } from '../support/recording-logger.ts'

/** The same event, as a publisher makes it a second time that has kept only the event id. */
function remade(event: Event): Event {
  const data = Object.fromEntries(Object.entries(event.data).reverse()) as JsonObject
  return createEvent<string>(event.eventType, data, { eventId: event.eventId, source: 'another', metadata: { try: 2 } })
}

/** Another event under the same id. */
function priced(event: Event, price: number): Event {
  return { ...event, data: { ...event.data, price } }
}

async function pricesIn(storage: Storage): Promise<number[]> {
  const entries = (await storage.log.read({ limit: 1_000 })).entries
  return entries.map(({ payload }) => JSON.parse(payload ?? '').data?.price)
}

/** The log, and how often it was asked for single entries. */
function counting(storage: Storage) {
  const asked = { count: 0 }
  const get: Log['get'] = (messageIds) => {
    asked.count++
    return storage.log.get(messageIds)
  }
  return { asked, storage: withFaults(storage, { get }) }
}

describeOnEachLog('an event id that was published before', (logs) => {
  test('is a duplicate with the same type and data: members in another order, another time, source and metadata change nothing', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const event = signal('AAPL', 1)
    const first = await publisher.publish(event)
    expect(await publisher.publish(remade(event))).toEqual({ ...first, duplicate: true })
    const [again, fresh] = await publisher.publishAll([remade(event), signal('AAPL', 2)])
    expect(again).toEqual({ ...first, duplicate: true })
    expect(fresh).toMatchObject({ duplicate: false })
    expect(await pricesIn(storage)).toEqual([1, 2])
  })

  test.each([
    ['other data', (event: Event) => priced(event, 2)],
    ['another type', (event: Event) => ({ ...event, eventType: EventType.PORTFOLIO_UPDATE }) as Event]
  ])('is refused with event_id_conflict with %s, and nothing is written', async (_, other) => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const event = signal('AAPL', 1)
    const messageId = await publisher.publishEvent(event)
    const refused = await publisher.publishEvent(other(event)).catch((error) => error)
    expect(refused).toBeInstanceOf(EventIdConflictError)
    expect(refused).toMatchObject({ code: 'event_id_conflict', retryable: false, index: undefined, published: [] })
    expect(refused.message).toBe(
      `The event id ${JSON.stringify(event.eventId)} was published before, as ${messageId}, with another type or other data. This event was not written: publish it with an event id of its own.`
    )
    expect((await storage.log.read({ limit: 10 })).entries).toHaveLength(1)
  })

  test('is told to that caller alone: those who publish at the same moment are not held up', async () => {
    const publisher = new EventPublisher({ storage: await logs.open() })
    const event = signal('AAPL', 1)
    await publisher.publishEvent(event)
    const others = signals(40)
    const publishing = others.flatMap((other, i) => [
      publisher.publish(other),
      i % 10 === 0 ? publisher.publish(priced(event, 2)) : publisher.publish(remade(event))
    ])
    const outcomes = await Promise.allSettled(publishing)
    const isConflict = outcomes.map(({ status }) => status === 'rejected')
    expect(isConflict).toEqual(outcomes.map((_, at) => at % 20 === 1))
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason.code).toBe('event_id_conflict')
  })

  test('of a batch is named by its index, and every other event of the batch is in the log', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const [first, second] = signals(2) as [Event, Event]
    await publisher.publishBatch([first, second])
    const batch = [signal('AAPL', 10), priced(first, 98), remade(second), priced(second, 99), signal('AAPL', 11)]
    const refused: EventIdConflictError = await publisher.publishBatch(batch).catch((error) => error)
    expect(refused).toMatchObject({ code: 'event_id_conflict', index: 1, conflicts: [1, 3] })
    expect(refused.message).toMatch(
      /^Event 1 of the batch: .* So is it with 1 more\. Every other event of the batch is in the log\.$/
    )
    expect(refused.published.map(({ eventId, duplicate }) => [eventId, duplicate])).toEqual([
      [batch[0]?.eventId, false],
      [batch[2]?.eventId, true],
      [batch[4]?.eventId, false]
    ])
    expect(await pricesIn(storage)).toEqual([0, 1, 10, 11])
  })

  test('is a conflict within one batch too', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const event = signal('AAPL', 1)
    await expect(publisher.publishBatch([event, remade(event), priced(event, 2)])).rejects.toMatchObject({
      code: 'event_id_conflict',
      conflicts: [2]
    })
    expect(await pricesIn(storage)).toEqual([1])
  })

  test('of a first entry that was trimmed is a duplicate', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const event = signal('AAPL', 1)
    const messageId = await publisher.publishEvent(event)
    await publisher.publishEvent(signal('AAPL', 2))
    await storage.log.trim({ maxLength: 1 })
    expect(await publisher.publish(priced(event, 3))).toMatchObject({ messageId, duplicate: true })
  })

  test('of a first entry that is no event is a duplicate', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    const event = signal('AAPL', 1)
    await storage.log.append([{ eventId: event.eventId, eventType: 'trading_signal', payload: 'not JSON' }])
    expect(await publisher.publish(event)).toMatchObject({ duplicate: true })
  })

  test('in a transaction is a duplicate whatever it says, and a warning names what says something else', async () => {
    const storage = await logs.open()
    const { logger, logged } = recordingLogger()
    const publisher = new EventPublisher({ storage, logger })
    const [first, second] = signals(2) as [Event, Event]
    await publisher.publishBatch([first, second])
    const receipts = await publisher.transaction((unit) => {
      unit.publish(priced(first, 99))
      unit.publish(remade(second))
      unit.publish(signal('AAPL', 3))
    })
    expect(receipts.map(({ duplicate }) => duplicate)).toEqual([true, true, false])
    await publisher.close()
    expect(logged).toEqual([
      [
        'warn',
        'an event was dropped: its event id stands for another event',
        { eventId: first.eventId, eventType: 'trading_signal', messageId: receipts[0]?.messageId }
      ]
    ])
    expect(await pricesIn(storage)).toEqual([0, 1, 3])
  })

  test('costs a look at the first entry, and a publish that is new costs none', async () => {
    const { asked, storage } = counting(await logs.open())
    const publisher = new EventPublisher({ storage })
    const event = signal('AAPL', 1)
    await publisher.publishEvent(event)
    await publisher.publishBatch(signals(100))
    expect(asked.count).toBe(0)
    await publisher.publishBatch([event, signal('AAPL', 2)])
    expect(asked.count).toBe(1)
  })

  test('of which the log does not say what it stands for rejects with log_timeout, and the same event may be published again', async () => {
    const real = await logs.open()
    let isAway = true
    const get: Log['get'] = async (messageIds) => {
      if (isAway) throw new EventSystemError('log_unavailable', 'The log is away.')
      return real.log.get(messageIds)
    }
    const publisher = new EventPublisher({ storage: withFaults(real, { get }) })
    const event = signal('AAPL', 1)
    const messageId = await publisher.publishEvent(event)
    await expect(publisher.publishEvent(remade(event))).rejects.toMatchObject({ code: 'log_timeout', retryable: true })
    await expect(publisher.publishEvent(priced(event, 2))).rejects.toMatchObject({ code: 'log_timeout' })
    isAway = false
    expect(await publisher.publishEvent(remade(event))).toBe(messageId)
    await expect(publisher.publishEvent(priced(event, 2))).rejects.toMatchObject({ code: 'event_id_conflict' })
  })

  test('is waited for no longer than a publish may take', async () => {
    const real = await logs.open()
    const publisher = new EventPublisher({
      storage: withFaults(real, { get: () => new Promise(() => {}) }),
      timeoutMs: 100
    })
    const event = signal('AAPL', 1)
    await publisher.publishEvent(event)
    await expect(publisher.publishEvent(event)).rejects.toMatchObject({ code: 'log_timeout' })
  })

  test('of a large batch is compared a part at a time, and no further once its caller was answered', async () => {
    const real = await logs.open()
    let asked = 0
    let isSlow = false
    const get: Log['get'] = async (messageIds) => {
      asked += messageIds.length
      return isSlow ? new Promise(() => {}) : real.log.get(messageIds)
    }
    const publisher = new EventPublisher({ storage: withFaults(real, { get }), timeoutMs: 100 })
    const events = signals(1_000)
    await publisher.publishBatch(events)
    expect(new Set((await publisher.publishAll(events)).map(({ duplicate }) => duplicate))).toEqual(new Set([true]))
    expect(asked).toBe(1_000)
    isSlow = true
    asked = 0
    await expect(publisher.publishBatch(events)).rejects.toMatchObject({ code: 'log_timeout' })
    expect(asked).toBeLessThan(100)
  })

  test('is looked at before the publisher is closed', async () => {
    const real = await logs.open()
    const gate = Promise.withResolvers<void>()
    let isAsked = false
    const get: Log['get'] = async (messageIds) => {
      isAsked = true
      await gate.promise
      return real.log.get(messageIds)
    }
    const publisher = new EventPublisher({ storage: withFaults(real, { get }) })
    const event = signal('AAPL', 1)
    await publisher.publishEvent(event)
    const publishing = publisher.publish(remade(event))
    await waitFor(() => isAsked)
    const closing = publisher.close()
    gate.resolve()
    expect(await publishing).toMatchObject({ duplicate: true })
    await closing
  })
})

const TYPES = [EventType.SYSTEM_HEALTH, EventType.PORTFOLIO_UPDATE] as const
/** Small, so that two of them are often equal, and with whatever JSON has. */
const value = fc.oneof(
  fc.constantFrom(0, -0, 1, 1.5, 1e21, 0.1, true, false, null, '', '1', 'é', 'e\u0301', '\u2028'),
  fc.jsonValue({ maxDepth: 2 })
)
const data = fc.dictionary(fc.constantFrom('a', 'b', '1', '__proto__', 'é'), value, {
  maxKeys: 3,
  noNullPrototype: true
})
const pair = fc.record({
  types: fc.tuple(fc.constantFrom(...TYPES), fc.constantFrom(...TYPES)),
  /** Often the second is the first with its members in another order. */
  data: fc.oneof(
    fc.tuple(data, data),
    data.map((one): [object, object] => [one, reversed(one)])
  ),
  isBatch: fc.boolean()
})

function reversed(one: object): object {
  return JSON.parse(
    `{${Object.entries(one)
      .reverse()
      .map(([key, of]) => `${JSON.stringify(key)}:${JSON.stringify(of)}`)}}`
  )
}

describeOnEachLog('of two events with one event id', (logs) => {
  test('the second is in conflict if and only if its type or its canonical data are others', async () => {
    const storage = await logs.open()
    const publisher = new EventPublisher({ storage })
    onTestFinished(() => publisher.close())
    await fc.assert(
      fc.asyncProperty(pair, async ({ types, data, isBatch }) => {
        const [one, other] = (data as readonly object[]).map((of) => JSON.parse(JSON.stringify(of))) as [
          JsonObject,
          JsonObject
        ]
        const first = createEvent<string>(types[0], one)
        const second = createEvent<string>(types[1], other, { eventId: first.eventId })
        const { messageId } = await publisher.publish(first)
        const publishing = isBatch
          ? publisher.publishBatch([second]).then(([id]) => id)
          : publisher.publishEvent(second)
        const told = await publishing.catch(({ code }) => code)
        const isSame = types[0] === types[1] && canonicalJson(one) === canonicalJson(other)
        expect(told).toBe(isSame ? messageId : 'event_id_conflict')
      }),
      { numRuns: 200 }
    )
  })
})
