import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  createEvent,
  type DefinedEventType,
  defineEventType,
  type Event,
  type EventData,
  type EventOf,
  EventType,
  type JsonObject,
  type JsonValue,
  newestForm,
  type StoredEventOf
} from '../src/index.ts'

const signal = { symbol: 'BTC/USDT', signal: 'BUY' } as const

const orderAmended = defineEventType({
  name: 'order_amended_here',
  schema: {
    type: 'object',
    required: ['order_id', 'side'],
    properties: {
      order_id: { type: 'string' },
      side: { enum: ['BUY', 'SELL'] },
      kind: { const: 'limit' },
      quantity: { type: ['number', 'null'] },
      version: { type: 'integer' },
      tags: { type: 'array', items: { type: 'string' } },
      list: { type: 'array' },
      details: { type: 'object' },
      venue: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
      anything: {}
    }
  }
})

test('the compiler refuses the mistakes that the schemas refuse', () => {
  const event = createEvent(EventType.TRADING_SIGNAL, signal)
  const refused = () => {
    // @ts-expect-error a signal is BUY, SELL or HOLD
    createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'MAYBE' })
    // @ts-expect-error the field is called confidence
    createEvent('trading_signal', { symbol: 'BTC/USDT', signal: 'BUY', confidnce: 0.9 })
    // @ts-expect-error the type is called trading_signal
    createEvent('trading_signl', signal)
    // @ts-expect-error the field is called confidence
    event.data.confidnce
    // @ts-expect-error a signal needs its symbol
    createEvent(EventType.TRADING_SIGNAL, { signal: 'BUY' })
    // @ts-expect-error a symbol is a text
    createEvent(EventType.TRADING_SIGNAL, { symbol: 5, signal: 'BUY' })
    // @ts-expect-error a signal needs its data
    createEvent(EventType.TRADING_SIGNAL)
    // @ts-expect-error a Date is no JSON
    createEvent('of_configuration' as string, { at: new Date() })
    // @ts-expect-error events are immutable
    event.data.symbol = 'ETH/USDT'
  }
  expect(refused).toBeTypeOf('function')
})

test('a platform type has the fields of its interface, and no others', () => {
  const event = createEvent(EventType.TRADING_SIGNAL, signal)
  expectTypeOf(event).toEqualTypeOf<Event<'trading_signal'>>()
  expectTypeOf(event.data.symbol).toEqualTypeOf<string>()
  expectTypeOf(event.data.signal).toEqualTypeOf<'BUY' | 'SELL' | 'HOLD'>()
  expectTypeOf(event.data.confidence).toEqualTypeOf<number | undefined>()
  expectTypeOf(event).toExtend<Event>()
  expectTypeOf<EventData<'order_executed'>['side']>().toEqualTypeOf<'BUY' | 'SELL'>()
  expectTypeOf<Event<'order_executed'>>().toExtend<Event>()
})

test('an alias has the data and the canonical name of its type', () => {
  const event = createEvent('backtest_complete', { sharpe_ratio: 1.5 })
  expectTypeOf(event).toEqualTypeOf<Event<'backtest_completed'>>()
  expect(event).toMatchObject({ eventType: 'backtest_completed', wireType: 'backtest_complete' })
})

test('a name that is only known at run time takes any JSON object', () => {
  const name: string = 'system_health'
  const event = createEvent(name, { anything: [1] })
  expectTypeOf(event.data).toEqualTypeOf<JsonObject>()
  expect(event.data).toEqual({ anything: [1] })
})

describe('a type of defineEventType', () => {
  test('has the data that its schema allows', () => {
    const event = createEvent(orderAmended, { order_id: 'A-17', side: 'BUY', venue: { name: 'XNAS' } })
    expect(event).toMatchObject({ eventType: 'order_amended_here', data: { order_id: 'A-17', side: 'BUY' } })
    expectTypeOf(event.data.order_id).toEqualTypeOf<string>()
    expectTypeOf(event.data.side).toEqualTypeOf<'BUY' | 'SELL'>()
    expectTypeOf(event.data.kind).toEqualTypeOf<'limit' | undefined>()
    expectTypeOf(event.data.quantity).toEqualTypeOf<number | null | undefined>()
    expectTypeOf(event.data.version).toEqualTypeOf<number | undefined>()
    expectTypeOf(event.data.tags).toEqualTypeOf<readonly string[] | undefined>()
    expectTypeOf(event.data.list).toEqualTypeOf<readonly JsonValue[] | undefined>()
    expectTypeOf(event.data.details).toEqualTypeOf<JsonObject | undefined>()
    expectTypeOf(event.data.venue?.name).toEqualTypeOf<string | undefined>()
    expectTypeOf(event.data.anything).toEqualTypeOf<JsonValue | undefined>()
    expectTypeOf(event).toExtend<Event>()
  })

  test('is its name at run time, and registered', () => {
    expect(orderAmended).toBe('order_amended_here')
    expectTypeOf(orderAmended).toExtend<'order_amended_here'>()
    expect(() => createEvent('order_amended_here' as string, { order_id: 7 })).toThrow(/data\.side .* is missing/)
  })

  test('of a schema that the compiler does not know takes any JSON object', () => {
    const schema: object = { type: 'object' }
    const opaque = defineEventType({ name: 'opaque_here', schema })
    expectTypeOf(opaque).toExtend<DefinedEventType<'opaque_here'>>()
    expectTypeOf(createEvent(opaque, { a: 1 }).data.a).toEqualTypeOf<JsonValue | undefined>()
  })

  test('has its data checked by the compiler', () => {
    const refused = () => {
      // @ts-expect-error the order has no order_id
      createEvent(orderAmended, { side: 'BUY' })
      // @ts-expect-error a side is BUY or SELL
      createEvent(orderAmended, { order_id: 'A-17', side: 'HOLD' })
      // @ts-expect-error the field is called quantity
      createEvent(orderAmended, { order_id: 'A-17', side: 'BUY', quantty: 1 })
      // @ts-expect-error a type is passed as defineEventType returned it
      createEvent('order_amended_here', { order_id: 'A-17', side: 'BUY' })
    }
    expect(refused).toBeTypeOf('function')
  })
})

test('events of several types are told apart by eventType', () => {
  const described = (event: StoredEventOf<'order_executed' | 'trading_signal' | typeof orderAmended>) =>
    event.eventType === 'order_executed'
      ? event.data.side
      : event.eventType === 'trading_signal'
        ? event.data.signal
        : event.data.order_id
  expect(described).toBeTypeOf('function')
})

test('the data of a query are typed where they are valid', () => {
  const side = (event: EventOf<'order_executed'>) => {
    // @ts-expect-error the side of an invalid event may be anything
    const unchecked: 'BUY' | 'SELL' = event.data.side
    return event.valid ? event.data.side : unchecked
  }
  expectTypeOf(side).returns.toEqualTypeOf<'BUY' | 'SELL'>()
  expectTypeOf<EventOf<string>['data']>().toEqualTypeOf<JsonObject>()
})

test.each([
  ['trading_signal', { symbol: 'X', signal: 'buy' }, { signal: 'BUY' }],
  ['trading_signal', { symbol: 'X', action: 'Hold' }, { signal: 'HOLD' }],
  ['trading_signal', { symbol: 'X', signal: { action: 'sell' } }, { signal: 'SELL' }],
  ['order_executed', { symbol: 'X', side: 'sell', quantity: 1, price: 1 }, { side: 'SELL' }],
  ['order_executed', { symbol: 'X', execution: { action: 'Buy', quantity: 1, price: 1 } }, { side: 'BUY' }]
])('the newest form of a %s %j has the word in upper case; the event keeps what was sent', (type, data, expected) => {
  const event = createEvent(type, data)
  expect(event.data).toEqual(data)
  expect(newestForm(event).data).toMatchObject(expected)
})
