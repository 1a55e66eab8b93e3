import {
  createEvent,
  EventType,
  type JsonObject,
  registerEventType,
  registerUpcaster,
  stringifyJson
} from '@tradpal/events'
import { expect, onTestFinished, test } from 'vitest'
import { EventPuller, EventSubscriber } from '../../src/consume/index.ts'
import { type DeadLetter, DeadLetters } from '../../src/dead-letters/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { DeadLetterOffice } from '../../src/operate/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal } from '../support/events.ts'

const soon = { initialMs: 1, maxMs: 1 }

/** Events as services write them that know of no versions. */
async function appendWire(storage: Storage, eventType: string, data: JsonObject, metadata: JsonObject = {}) {
  const eventId = crypto.randomUUID()
  const wire = { event_type: eventType, event_id: eventId, timestamp: '2026-11-23T08:49:10.123', source: 'py', data }
  await storage.log.append([{ eventId, eventType, payload: stringifyJson({ ...wire, metadata }) }])
  return eventId
}

function subscriberOn(storage: Storage): EventSubscriber {
  const subscriber = new EventSubscriber({ storage })
  onTestFinished(async () => void (await subscriber.close({ timeoutMs: 100 })))
  return subscriber
}

async function settled(storage: Storage): Promise<void> {
  await waitFor(async () => {
    const group = (await storage.log.info()).groups.find(({ name }) => name === 'g')
    return group?.pending === 0 && group.lag === 0
  })
}

async function letters(storage: Storage): Promise<DeadLetter[]> {
  return new DeadLetters({ storage }).list({ limit: 100 })
}

/** Shapes that existing services send, and what a typed handler makes of them: the data, or the pointer of what is wrong. */
const SHAPES: readonly [eventType: string, stored: JsonObject, newest: JsonObject | string][] = [
  [
    'trading_signal',
    { symbol: 'BTC/USDT', action: 'BUY', reason: 'x' },
    { symbol: 'BTC/USDT', signal: 'BUY', reason: 'x' }
  ],
  [
    'trading_signal',
    { symbol: 'X', signal: { action: 'BUY', confidence: 0.7 }, timestamp: null },
    { symbol: 'X', signal: 'BUY', confidence: 0.7, timestamp: null }
  ],
  ['trading_signal', { symbol: 'X', signal: { strength: 3 } }, '/data/signal'],
  ['trading_signal', { symbol: 'X', signal: 'reduce_risk', confidence: 0.5 }, '/data/signal'],
  [
    'order_executed',
    { symbol: 'X', execution: { order_id: '1' }, order_id: null, side: null, quantity: null, price: null },
    '/data/side'
  ],
  [
    'order_executed',
    { symbol: 'X', execution: { side: 'BUY', quantity: 2, price: 3 }, side: null, quantity: null, price: null },
    { symbol: 'X', execution: { side: 'BUY', quantity: 2, price: 3 }, side: 'BUY', quantity: 2, price: 3 }
  ],
  ['risk_alert', { value: 1700000000123456789n }, { value: 1700000000123456789n }]
]

describeOnEachLog('what existing services send', (logs) => {
  test('reaches a typed handler in the newest form; what cannot be brought to it is dead at once, with a pointer', async () => {
    const storage = await logs.open()
    const ids = []
    for (const [eventType, stored] of SHAPES) ids.push(await appendWire(storage, eventType, stored))
    const subscriber = subscriberOn(storage)
    const handled: (JsonObject | undefined)[] = []
    const types = [EventType.TRADING_SIGNAL, EventType.ORDER_EXECUTED, EventType.RISK_ALERT]
    subscriber.registerHandler(types, ({ data }) => void handled.push(data), { name: 'typed' })
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    await settled(storage)
    expect(handled).toEqual(SHAPES.map(([, , newest]) => newest).filter((newest) => typeof newest !== 'string'))
    const dead = await letters(storage)
    expect(dead.map(({ kind, handler, attempts }) => ({ kind, handler, attempts }))).toEqual(
      SHAPES.filter(([, , newest]) => typeof newest === 'string').map(() => ({
        kind: 'invalid',
        handler: 'typed',
        attempts: 0
      }))
    )
    expect(dead.map(({ lastError }) => lastError.pointer)).toEqual(
      SHAPES.map(([, , newest]) => newest).filter((newest) => typeof newest === 'string')
    )
    for (const { firstError, lastError, payload } of dead) {
      expect(firstError).toEqual(lastError)
      expect(lastError.message).toMatch(/^data\.\w+ of an? \w+ must .*, got .*\.$/)
      expect(ids.some((id) => payload?.includes(id))).toBe(true)
    }
  })

  test.each([
    [
      'a handler that accepts any',
      (subscriber: EventSubscriber, take: (data: JsonObject) => void) =>
        subscriber.registerHandler(
          [EventType.TRADING_SIGNAL, EventType.ORDER_EXECUTED, EventType.RISK_ALERT],
          ({ data }) => take(data),
          { accepts: 'any' }
        )
    ],
    [
      "a handler for '*'",
      (subscriber: EventSubscriber, take: (data: JsonObject) => void) =>
        subscriber.registerHandler('*', ({ data }) => take(data))
    ]
  ])('reaches %s as it is stored, and none is dead', async (_, register) => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const handled: JsonObject[] = []
    register(subscriber, (data) => void handled.push(data))
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    for (const [eventType, stored] of SHAPES) await appendWire(storage, eventType, stored)
    await settled(storage)
    expect(handled).toEqual(SHAPES.map(([, stored]) => stored))
    expect(await letters(storage)).toEqual([])
  })

  test('is pulled as it is stored, and none is dead', async () => {
    const storage = await logs.open()
    for (const [eventType, stored] of SHAPES) await appendWire(storage, eventType, stored)
    const pulled = await new EventPuller({ storage }).pull({ group: 'g', from: 'start' })
    expect(pulled.map(({ event }) => event.data)).toEqual(SHAPES.map(([, stored]) => stored))
    expect(await letters(storage)).toEqual([])
  })

  test('of a type that no handler takes is acknowledged, whatever its data', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    subscriber.registerHandler('system_health', () => {})
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    for (const [eventType, stored] of SHAPES) await appendWire(storage, eventType, stored)
    await settled(storage)
    expect(await letters(storage)).toEqual([])
  })

  test('is in the order of the symbol of its newest form', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const keys: unknown[] = []
    subscriber.registerHandler('trading_signal', () => {})
    const key = ({ data }: { data: JsonObject }) => void keys.push(data.symbol)
    await subscriber.startConsuming({ group: 'g', from: 'start', ordering: 'key', key, partitions: 2 })
    await appendWire(storage, 'trading_signal', { signal: { symbol: 'DEEP', action: 'BUY' } })
    await settled(storage)
    expect(new Set(keys)).toEqual(new Set(['DEEP']))
  })
})

describeOnEachLog('an event whose data are invalid, with several handlers', (logs) => {
  test('is dead for those that accept only valid ones, once the others are done with it', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const runs: string[] = []
    subscriber.registerHandler('trading_signal', () => void runs.push('typed'), { name: 'typed' })
    subscriber.registerHandler(
      'trading_signal',
      (_, { attempt }) => {
        runs.push(`any ${attempt}`)
        if (attempt < 3) throw new Error('not yet')
      },
      { name: 'any', accepts: 'any' }
    )
    subscriber.registerHandler('trading_signal', () => void runs.push('other'), { name: 'other' })
    subscriber.registerHandler('*', () => void runs.push('all'), { name: 'all' })
    await subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon })
    await appendWire(storage, 'trading_signal', { symbol: 'X' })
    await settled(storage)
    expect(runs).toEqual(['any 1', 'all', 'any 2', 'any 3'])
    const [letter, ...more] = await letters(storage)
    expect(more).toEqual([])
    expect(letter).toMatchObject({ kind: 'invalid', handler: 'typed, other', attempts: 0 })
    expect(letter?.lastError).toMatchObject({ pointer: '/data/signal' })
    expect(letter?.lastError.message).toMatch(/^2 handlers failed: data\.signal of a trading_signal is missing/)
  })

  test('and is put back with other data, runs only the handlers that are not done', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const runs: unknown[] = []
    subscriber.registerHandler('trading_signal', ({ data }) => void runs.push(data), { name: 'typed' })
    subscriber.registerHandler('*', () => void runs.push('all'), { name: 'all' })
    await subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon })
    await appendWire(storage, 'trading_signal', { symbol: 'X' })
    const [letter] = await waitFor(async () => {
      const dead = await letters(storage)
      return dead.length === 1 && dead
    })
    const office = new DeadLetterOffice({ storage })
    const wrong = office.requeue(letter?.id ?? '', { by: 'ada', data: { symbol: 'X', action: 'MAYBE' } })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_data', pointer: '/data/signal' })
    await office.requeue(letter?.id ?? '', { by: 'ada', data: { symbol: 'X', action: 'BUY' } })
    await waitFor(() => runs.length === 2)
    await settled(storage)
    expect(runs).toEqual(['all', { symbol: 'X', signal: 'BUY' }])
    expect(await letters(storage)).toEqual([])
  })

  test('is found among the dead letters by its kind', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    subscriber.registerHandler('backtest_complete', () => {
      throw new Error('no')
    })
    subscriber.registerHandler('trading_signal', () => {})
    await subscriber.startConsuming({ group: 'g', from: 'start', backoff: soon, maxAttempts: 1 })
    await appendWire(storage, 'trading_signal', {})
    await appendWire(storage, 'backtest_complete', {})
    await storage.log.append([{ eventId: 'p', eventType: 'trading_signal', payload: 'no JSON' }])
    await settled(storage)
    const office = new DeadLetterOffice({ storage })
    const count = (filter: object) => office.count(filter)
    expect(
      await Promise.all([count({ kind: 'invalid' }), count({ kind: 'poison' }), count({ kind: 'exhausted' })])
    ).toEqual([1, 1, 1])
    const names = ['backtest_complete', 'backtest_completed'].map((eventType) => count({ eventType }))
    expect(await Promise.all(names)).toEqual([1, 1])
  })
})

let names = 0
/** A type of its own for each test: the registry is one for all. */
function newType(schema: object): string {
  const name = `version_${++names}`
  registerEventType({ name, schema })
  return name
}

describeOnEachLog('a version of a type', (logs) => {
  test('that is older is upcast for typed handlers, and one that is newer is dead for them', async () => {
    const storage = await logs.open()
    const type = newType({ type: 'object', required: ['b'] })
    registerUpcaster({
      type,
      from: 1,
      to: 2,
      upcast: ({ a, ...data }) => ({ ...data, ...(a === undefined ? {} : { b: a }) })
    })
    const subscriber = subscriberOn(storage)
    const handled: unknown[] = []
    subscriber.registerHandler(type, ({ data, metadata }) => void handled.push([data, metadata.schema_version]), {
      name: 'typed'
    })
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    await append(storage, createEvent(type, { b: 1 }))
    await appendWire(storage, type, { a: 2 })
    await appendWire(storage, type, { a: 3 }, { schema_version: 1 })
    await appendWire(storage, type, { b: 4 }, { schema_version: 3 })
    await appendWire(storage, type, { a: 5 }, { schema_version: 2 })
    await settled(storage)
    expect(handled).toEqual([
      [{ b: 1 }, 2],
      [{ b: 2 }, 2],
      [{ b: 3 }, 2]
    ])
    expect((await letters(storage)).map(({ kind, lastError }) => [kind, lastError.pointer])).toEqual([
      ['invalid', '/metadata/schema_version'],
      ['invalid', '/data/b']
    ])
  })

  test('whose upcaster throws is dead for typed handlers, with its error, and not for others', async () => {
    const storage = await logs.open()
    const type = newType({ type: 'object' })
    registerUpcaster({
      type,
      from: 1,
      to: 2,
      upcast: () => {
        throw new Error('no price to convert')
      }
    })
    const subscriber = subscriberOn(storage)
    const handled: unknown[] = []
    subscriber.registerHandler(type, () => void handled.push('typed'), { name: 'typed' })
    subscriber.registerHandler(type, ({ data }) => void handled.push(data), { name: 'any', accepts: 'any' })
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    await appendWire(storage, type, { a: 1 })
    await settled(storage)
    expect(handled).toEqual([{ a: 1 }])
    const [letter] = await letters(storage)
    expect(letter).toMatchObject({ kind: 'invalid', handler: 'typed' })
    expect(letter?.lastError).toMatchObject({ pointer: '/data' })
    expect(letter?.lastError.message).toMatch(/from version 1 to 2: no price to convert\.$/)
  })
})

test("a handler for '*' cannot ask for valid events alone, and accepts has two values", () => {
  const subscriber = new EventSubscriber({ storage: {} as never })
  const refused = (types: string, accepts: unknown) => () =>
    subscriber.registerHandler(types, () => {}, { accepts } as never)
  expect(refused('*', 'valid')).toThrow(/accepts must be 'any' for a handler of '\*', or left out, got "valid"/)
  expect(refused('trading_signal', 'all')).toThrow(/accepts must be one of valid, any, got "all"/)
  expect(subscriber.handlers.size).toBe(0)
})

describeOnEachLog('an event that is sent as backtest_complete', (logs) => {
  test('reaches handlers as backtest_completed, with the name that it was sent under', async () => {
    const storage = await logs.open()
    const subscriber = subscriberOn(storage)
    const handled: unknown[] = []
    subscriber.registerHandler(
      'backtest_completed',
      ({ eventType, wireType }) => void handled.push([eventType, wireType])
    )
    await subscriber.startConsuming({ group: 'g', from: 'start' })
    await appendWire(storage, 'backtest_complete', { total_return: 0.1 })
    await append(storage, createEvent('backtest_completed', {}))
    await append(storage, signal())
    await settled(storage)
    expect(handled).toEqual([
      ['backtest_completed', 'backtest_complete'],
      ['backtest_completed', undefined]
    ])
  })
})
