import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import type { Validation } from './data-check.ts'
import { createEvent, validateEvent } from './event.ts'
import { EventType } from './event-types.ts'
import type { JsonObject } from './json-value.ts'
import { checkData } from './newest-form.ts'
import { registerEventType, validateData } from './registry.ts'
import { eventSchemas } from './schemas/index.ts'
import { guardedFieldsOf } from './schemas/platform-schema.ts'
import { fromWire } from './wire.ts'

const LEVELS: readonly Validation[] = ['strict', 'platform', 'off']

function wireOf(eventType: string, data: JsonObject, metadata: JsonObject = {}) {
  return { event_type: eventType, event_id: 'e', timestamp: '2026-11-23T08:49:10.123Z', data, metadata }
}

/** The levels at which an event is taken. */
function takenAt(eventType: string, data: JsonObject, metadata?: JsonObject): Validation[] {
  return LEVELS.filter((validation) => {
    try {
      fromWire(wireOf(eventType, data, metadata), { validation })
      return true
    } catch {
      return false
    }
  })
}

describe('what existing services send', () => {
  test.each<[string, JsonObject, Validation[]]>([
    [
      'trading_signal',
      { symbol: 'BTC/USDT', action: 'BUY', confidence: 0.85, reason: 'x' },
      ['strict', 'platform', 'off']
    ],
    ['trading_signal', { symbol: 'ADA/USDT', action: 'BUY' }, ['strict', 'platform', 'off']],
    [
      'trading_signal',
      { symbol: 'X', signal: { action: 'BUY', confidence: 0.7 }, timestamp: null, strategy: 'unknown' },
      ['strict', 'platform', 'off']
    ],
    [
      'order_executed',
      { symbol: 'BTC/USDT', execution: { order_id: '1' }, order_id: null, side: null, quantity: null, price: null },
      ['platform', 'off']
    ],
    [
      'order_executed',
      { symbol: 'BTC/USDT', execution: { order_id: '1' }, order_id: '1', side: 'BUY', quantity: 0.5, price: 45000 },
      ['strict', 'platform', 'off']
    ],
    [
      'order_executed',
      {
        symbol: 'BTC/USDT',
        execution: { action: 'HOLD', reason: 'No clear signal' },
        side: null,
        quantity: null,
        price: null
      },
      ['platform', 'off']
    ],
    ['trading_signal', { symbol: 'X', signal: 'BUY', price: null, confidence: null }, ['platform', 'off']],
    ['trading_signal', { signal: { strength: 3 } }, ['platform', 'off']],
    ['trading_signal', {}, ['platform', 'off']],
    ['market_data_update', { price: 1, ticks: [1, 'a', null] }, ['platform', 'off']],
    ['market_data_update', { symbol: 'X', time_ns: 1700000000123456789n }, ['strict', 'platform', 'off']],
    ['portfolio_update', { total_value: 100000, pnl: 2500.5, positions: ['BTC/USDT'] }, ['strict', 'platform', 'off']],
    [
      'rl_action_taken',
      { symbol: 'X', action: 'reduce_position', q_values: { buy: 1 } },
      ['strict', 'platform', 'off']
    ],
    ['ml_model_update', { version: { major: 1 }, metrics: [1] }, ['platform', 'off']]
  ])('%s: shape %#', (eventType, data, levels) => {
    expect(takenAt(eventType, data)).toEqual(levels)
  })
})

describe('platform', () => {
  test.each<[string, JsonObject, string]>([
    ['trading_signal', { symbol: 7, signal: 'BUY' }, '/data/symbol'],
    ['trading_signal', { symbol: '', signal: 'BUY' }, '/data/symbol'],
    ['trading_signal', { symbol: 'X', signal: 'MAYBE' }, '/data/signal'],
    ['trading_signal', { symbol: 'X', action: 'MAYBE' }, '/data/signal'],
    ['trading_signal', { symbol: 'X', signal: { action: 'MAYBE' } }, '/data/signal'],
    ['trading_signal', { symbol: 'X', signal: { action: 'BUY', confidence: 85 } }, '/data/confidence'],
    ['trading_signal', { symbol: 'X', signal: 'BUY', confidence: 1.5 }, '/data/confidence'],
    ['trading_signal', { symbol: 'X', signal: 'BUY', price: '45000' }, '/data/price'],
    ['order_executed', { symbol: 'X', side: 'HOLD' }, '/data/side'],
    ['order_executed', { symbol: 'X', quantity: 0 }, '/data/quantity'],
    ['order_executed', { symbol: 'X', price: -1n }, '/data/price'],
    ['multi_symbol_backtest_request', { symbols: ['X', 7] }, '/data/symbols/1']
  ])('refuses a guarded field of a %s with a wrong value: %#', (eventType, data, pointer) => {
    const error = refusal(() => fromWire(wireOf(eventType, data), { validation: 'platform' }))
    expect(error).toMatchObject({ code: 'invalid_data', pointer })
    expect(error.message).toMatch(/^data\..* of an? [a-z_]+ must /)
    expect(error.message).not.toMatch(/bigint/)
    expect(takenAt(eventType, data)).toEqual(['off'])
  })

  test('marks as guarded what is traded by, and nothing else', () => {
    const guarded = Object.values(eventSchemas).flatMap((schema) => guardedFieldsOf(schema).map(({ name }) => name))
    expect(new Set(guarded)).toEqual(
      new Set([
        ...[
          'symbol',
          'symbols',
          'side',
          'signal',
          'price',
          'quantity',
          'confidence',
          'fee',
          'stop_loss',
          'take_profit'
        ],
        ...['open', 'high', 'low', 'close', 'volume', 'bid', 'ask'],
        ...['total_value', 'cash', 'pnl', 'drawdown', 'value', 'threshold', 'initial_capital']
      ])
    )
  })

  test('checks the guarded fields where they stand when an event cannot be upcast', () => {
    const newer = { schema_version: 9 }
    expect(takenAt('trading_signal', { symbol: 'X', signal: 'BUY' }, newer)).toEqual(['platform', 'off'])
    expect(takenAt('trading_signal', { symbol: 7 }, newer)).toEqual(['off'])
  })

  test('checks a registered type against its whole schema', () => {
    registerEventType({
      name: 'levelled',
      schema: { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }
    })
    expect(takenAt('levelled', { a: 1 })).toEqual(['strict', 'platform', 'off'])
    expect(takenAt('levelled', { a: 2n ** 70n })).toEqual(['strict', 'platform', 'off'])
    expect(takenAt('levelled', { a: null })).toEqual(['off'])
    expect(takenAt('levelled', {})).toEqual(['off'])
  })
})

test('every level refuses data that are no object, and a type that is not known', () => {
  for (const validation of LEVELS) {
    expect(refusal(() => fromWire(wireOf('system_health', [] as never), { validation })).pointer).toBe('/data')
    expect(refusal(() => fromWire(wireOf('trading_signl', {}), { validation })).code).toBe('unknown_event_type')
    expect(refusal(() => createEvent('system_health', [] as never, { validation })).pointer).toBe('/data')
    expect(refusal(() => createEvent('trading_signl' as string, {}, { validation })).code).toBe('unknown_event_type')
  }
  expect(fromWire(wireOf('of_tomorrow', {}), { stored: true }).eventType).toBe('of_tomorrow')
})

test('what a level takes, each more lenient one takes, whatever the data', () => {
  const value = fc.oneof(
    fc.constantFrom('BUY', 'sell', '', 'BTC/USDT', null, 0, 1, 0.5, -1, 10n ** 20n, -(10n ** 20n)),
    fc.jsonValue()
  )
  const names = [...new Set(Object.values(eventSchemas).flatMap(({ properties }) => Object.keys(properties)))]
  const data = fc.dictionary(fc.constantFrom(...names, 'action', 'execution', 'more'), value, { noNullPrototype: true })
  const version = fc.constantFrom(undefined, 0, 1, 2, 'x')
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(EventType)), data, version, (type, given, schema_version) => {
      const levels = takenAt(type, given as JsonObject, schema_version === undefined ? {} : { schema_version })
      expect(LEVELS.slice(LEVELS.length - levels.length)).toEqual(levels)
      expect(levels).toContain('off')
    })
  )
})

test('the same levels hold for each way to make or check an event', () => {
  const data = { symbol: 'X', signal: 'BUY', price: null }
  const make = (validation?: Validation) => createEvent('trading_signal', data as never, validation && { validation })
  expect(refusal(() => make()).pointer).toBe('/data/price')
  expect(refusal(() => make('strict')).pointer).toBe('/data/price')
  const event = make('platform')
  expect(refusal(() => validateEvent(event)).pointer).toBe('/data/price')
  expect(validateEvent(event, 'platform')).toBeUndefined()
  expect(refusal(() => checkData(event, 'strict')).pointer).toBe('/data/price')
  expect(checkData(event, 'off')).toBeUndefined()
  expect(validateEvent(make('off'), 'off')).toBeUndefined()
})

describe('a number is taken by its value', () => {
  const schema = {
    type: 'object',
    properties: {
      id: { type: 'integer', minimum: 0, maximum: 1e18 },
      step: { type: 'number', multipleOf: 0.01 },
      even: { multipleOf: 2 },
      type: { type: ['number', 'null'] },
      default: { type: 'integer' },
      list: { type: 'array', uniqueItems: true, items: { anyOf: [{ type: 'string' }, { $ref: '#/$defs/count' }] } }
    },
    patternProperties: { '^n_': { type: 'number' } },
    additionalProperties: { type: ['integer', 'string'] },
    $defs: { count: { type: 'integer', exclusiveMinimum: 0 } }
  }
  registerEventType({ name: 'by_value', schema })

  test.each<[JsonObject]>([
    [{ id: 10n ** 18n }],
    [{ step: 10n ** 20n }],
    [{ step: 1050412.91 }],
    [{ step: 1234567890.12 }],
    [{ step: -0.03 }],
    [{ even: 10n ** 20n }],
    [{ type: 10n ** 20n }],
    [{ default: 10n ** 20n }],
    [{ list: [10n ** 20n, 10n ** 20n + 1n, 'a'] }],
    [{ n_1: 10n ** 20n }],
    [{ more: 10n ** 20n }]
  ])('and passes: %#', (data) => {
    expect(validateData('by_value', data)).toBeUndefined()
  })

  test.each<[JsonObject, string, RegExp]>([
    [{ id: 10n ** 18n + 1n }, '/data/id', /must be <= 1000000000000000000, got 1000000000000000001\.$/],
    [{ id: -(10n ** 20n) }, '/data/id', /must be >= 0/],
    [{ id: '1' }, '/data/id', /must be integer, got "1"\.$/],
    [{ type: '1' }, '/data/type', /must be either number or null, got "1"\.$/],
    [{ step: 1050412.915 }, '/data/step', /must be a multiple of 0\.01, got 1050412\.915\.$/],
    [{ even: 10n ** 20n + 1n }, '/data/even', /must be a multiple of 2, got 100000000000000000001\.$/],
    [{ default: 'x' }, '/data/default', /must be integer/],
    [{ list: [10n ** 20n, 10n ** 20n] }, '/data/list', /duplicate/],
    [{ list: [-(10n ** 20n)] }, '/data/list/0', /./],
    [{ n_1: 'x' }, '/data/n_1', /must be number/]
  ])('and is refused: %#', (data, pointer, sentence) => {
    const error = refusal(() => validateData('by_value', data))
    expect(error).toMatchObject({ code: 'invalid_data', pointer })
    expect(error.message).toMatch(sentence)
  })

  test('and an integer beyond 2^53 in a schema is refused', () => {
    const odd = { name: 'odd_schema', schema: { type: 'object', properties: { id: { maximum: 2n ** 63n } } } }
    const error = refusal(() => registerEventType(odd))
    expect(error.code).toBe('invalid_event_type')
    expect(error.message).toMatch(/no integer in it may be beyond 2\^53/)
  })
})
