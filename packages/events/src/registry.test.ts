import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { EventType } from './event-types.ts'
import {
  isKnownEventType,
  knownEventTypes,
  parseEventTypes,
  registerEventType,
  resolveEventType,
  schemaOf,
  validateData
} from './registry.ts'
import { eventSchemas } from './schemas/index.ts'

const schema = { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } }

describe('the platform types', () => {
  test('are 19, known first, in lower case', () => {
    expect(knownEventTypes().slice(0, 19)).toEqual(Object.values(EventType))
    expect(Object.keys(eventSchemas)).toEqual(Object.values(EventType))
  })

  test('have a schema that describes every property', () => {
    for (const [name, schema] of Object.entries(eventSchemas)) {
      expect((schema as { description?: string }).description, name).toBeTruthy()
      for (const [key, property] of Object.entries(schema.properties)) {
        expect((property as { description?: string }).description, `${name}.${key}`).toBeTruthy()
      }
    }
  })

  test('are resolved as they stand, and the alias of the prototype is read', () => {
    expect(resolveEventType('trading_signal')).toBe('trading_signal')
    expect(resolveEventType('backtest_complete')).toBe('backtest_completed')
    expect(schemaOf('backtest_complete')).toBe(eventSchemas.backtest_completed)
    expect(isKnownEventType('backtest_complete')).toBe(false)
  })

  test.each([
    ['trading_signl', 'trading_signal'],
    ['TRADING_SIGNAL', 'trading_signal'],
    ['order_execute', 'order_executed'],
    ['ORDER-EXECUTED', 'order_executed'],
    ['constructor', ''],
    ['__proto__', '']
  ])('do not include %s, which is refused with the nearest three', (name, nearest) => {
    const error = refusal(() => resolveEventType(name))
    expect(error).toMatchObject({ code: 'unknown_event_type', pointer: '/event_type' })
    expect(error.message).toContain(`"${name}". The nearest known ones are ${nearest}`)
    expect(error.message.split(',')).toHaveLength(3)
  })
})

describe('what an event carries', () => {
  test.each([
    ['market_data_update', { symbol: 'BTC/USDT', price: 45000, volume: 0, anything: { else: [null] } }],
    ['trading_signal', { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0 }],
    ['trading_signal', { symbol: 'BTC/USDT', signal: 'HOLD', confidence: 1 }],
    ['trading_signal', { symbol: 'BTC/USDT', signal: 'SELL', strategy: null }],
    ['order_executed', { symbol: 'X', side: 'SELL', quantity: 1e-8, price: 0.01, order_id: 'o-1' }],
    ['portfolio_update', { positions: { X: 1 } }]
  ])('passes when a %s says %j', (eventType, data) => {
    expect(validateData(eventType, data)).toBeUndefined()
  })

  const needSymbol: readonly string[] = ['market_data_update', 'trading_signal', 'order_executed']
  test.each(Object.values(EventType).filter((name) => !needSymbol.includes(name)))(
    'may be nothing in a %s',
    (eventType) => {
      expect(validateData(eventType, {})).toBeUndefined()
    }
  )

  test.each([
    ['market_data_update', {}, '/data/symbol', /^data.symbol of a market_data_update is missing \(The instrument/],
    ['market_data_update', { symbol: '' }, '/data/symbol', /^data.symbol of a market_data_update must .*, got ""\.$/],
    ['market_data_update', { symbol: 'X', price: '45000' }, '/data/price', /must be number, got "45000"\.$/],
    ['market_data_update', { symbol: 'X', price: Number.NaN }, '/data/price', /must be number, got NaN\.$/],
    ['market_data_update', { symbol: 'X', volume: Number.POSITIVE_INFINITY }, '/data/volume', /got Infinity\.$/],
    ['market_data_update', { symbol: 'X', close: null }, '/data/close', /got null\.$/],
    ['market_data_update', { symbol: 'x'.repeat(101) }, '/data/symbol', /must not have more than 100|must .*100/],
    ['trading_signal', { signal: 'BUY' }, '/data/symbol', /is missing/],
    [
      'trading_signal',
      { symbol: 'X' },
      '/data/signal',
      /data.signal of a trading_signal is missing \(BUY, SELL or HOLD\)\.$/
    ],
    [
      'trading_signal',
      { symbol: 'X', signal: 'MAYBE' },
      '/data/signal',
      /^data.signal of a trading_signal must be BUY, SELL or HOLD, got "MAYBE"\.$/
    ],
    ['trading_signal', { symbol: 'X', signal: 'hold' }, '/data/signal', /must be BUY, SELL or HOLD, got "hold"/],
    [
      'trading_signal',
      { symbol: 'X', signal: 'BUY', confidence: 1.5 },
      '/data/confidence',
      /^data.confidence of a trading_signal must be <= 1, got 1\.5\.$/
    ],
    [
      'trading_signal',
      { symbol: 'X', signal: 'BUY', confidence: -0.1 },
      '/data/confidence',
      /must be >= 0, got -0\.1\.$/
    ],
    [
      'order_executed',
      { symbol: 'X', side: 'BUY', quantity: 0, price: 1 },
      '/data/quantity',
      /of an order_executed must be > 0, got 0\.$/
    ],
    [
      'order_executed',
      { symbol: 'X', side: 'HOLD', quantity: 1, price: 1 },
      '/data/side',
      /must be BUY or SELL, got "HOLD"\.$/
    ],
    ['risk_alert', { symbol: '' }, '/data/symbol', /got ""\.$/],
    ['multi_symbol_backtest_request', { symbols: ['X', ''] }, '/data/symbols/1', /^data.symbols\[1\] .*, got ""\.$/],
    ['strategy_optimization_request', { symbols: [5] }, '/data/symbols/0', /must be string, got 5\.$/],
    ['sentiment_data_update', { confidence: 2 }, '/data/confidence', /must be <= 1/]
  ])('is refused when a %s says %j', (eventType, data, pointer, sentence) => {
    const error = refusal(() => validateData(eventType, data))
    expect(error).toMatchObject({ code: 'invalid_data', pointer })
    expect(error.message).toMatch(sentence)
  })
})

describe('a further type', () => {
  test('is known and checked once it is registered, and registering it again does nothing', () => {
    registerEventType({ name: 'order_cancelled', schema, description: 'An order was withdrawn.' })
    registerEventType({ name: 'order_cancelled', schema: { ...schema }, description: 'An order was withdrawn.' })
    expect(knownEventTypes().filter((name) => name === 'order_cancelled')).toHaveLength(1)
    expect(isKnownEventType('order_cancelled')).toBe(true)
    expect(schemaOf('order_cancelled')).toMatchObject({ ...schema, description: 'An order was withdrawn.' })
    expect(validateData('order_cancelled', { order_id: 'o-1', more: 1 })).toBeUndefined()
    expect(refusal(() => validateData('order_cancelled', {})).pointer).toBe('/data/order_id')
  })

  test('keeps its schema when the caller changes its own object', () => {
    const mine = { type: 'object', required: ['a'] }
    registerEventType({ name: 'kept_schema', schema: mine })
    mine.required.push('b')
    expect(validateData('kept_schema', { a: 1 })).toBeUndefined()
  })

  test.each([
    ['order_executed', schema, /platform's own types/],
    ['backtest_complete', schema, /alias of the platform's own backtest_completed/],
    ['Order', schema, /must be a lower-case letter/],
    ['', schema, /must be a lower-case letter/],
    ['a'.repeat(65), schema, /must be a lower-case letter/],
    ['no_schema', null, /must have a JSON Schema object, got null/],
    ['list_schema', [], /got an array/],
    ['bad_keyword', { properties: 5 }, /no JSON Schema: \/properties must be object/],
    ['bad_nested', { properties: { a: { type: 'numbr' } } }, /no JSON Schema: \/properties\/a\/type/],
    ['bad_pattern', { properties: { a: { pattern: '(' } } }, /no JSON Schema|cannot be used/],
    ['bad_reference', { properties: { a: { $ref: '#/nope' } } }, /refers to "#\/nope", which its schema has not/],
    [
      'remote_reference',
      { properties: { a: { $ref: 'https://example.org/price.json' } } },
      /leads to a place in the same/
    ],
    ['bad_anchor', { properties: { a: { allOf: [{ $ref: '#price' }] } } }, /refers to "#price"/],
    ['no_object', { type: 'array' }, /what an event carries is an object/]
  ])('cannot be registered as %j with %j', (name, wrong, sentence) => {
    const error = refusal(() => registerEventType({ name, schema: wrong as object }))
    expect(error.code).toBe('invalid_event_type')
    expect(error.message).toMatch(sentence)
    expect(isKnownEventType(name)).toBe(name === 'order_executed')
  })

  test('may refer to places of its own schema', () => {
    const price = { $anchor: 'price', type: 'number' }
    const schema = {
      properties: {
        a: { $ref: '#/$defs/a~1price' },
        b: { $ref: '#price' },
        c: { $ref: '#' },
        d: { const: { $ref: 'text' } }
      },
      $defs: { 'a/price': price }
    }
    registerEventType({ name: 'own_references', schema })
    expect(validateData('own_references', { a: 1, c: { a: 2 } })).toBeUndefined()
    expect(refusal(() => validateData('own_references', { a: 'x' })).code).toBe('invalid_data')
  })

  test('cannot be registered again with another schema', () => {
    registerEventType({ name: 'registered_twice', schema })
    const error = refusal(() => registerEventType({ name: 'registered_twice', schema: { type: 'object' } }))
    expect(error).toMatchObject({ code: 'invalid_event_type', pointer: '/registered_twice' })
    expect(error.message).toMatch(/registered already/)
  })
})

describe('a file of event types', () => {
  test('gives the definitions and registers nothing', () => {
    expect(parseEventTypes({ from_a_file: schema })).toEqual([{ name: 'from_a_file', schema }])
    expect(isKnownEventType('from_a_file')).toBe(false)
  })

  test.each([
    [[], ''],
    [null, ''],
    ['{}', ''],
    [{ good_one: schema, Bad: schema }, '/Bad'],
    [{ bad_schema: 'object' }, '/bad_schema'],
    [{ bad_schema: { type: 7 } }, '/bad_schema/type']
  ])('is refused when it is %j', (json, pointer) => {
    expect(refusal(() => parseEventTypes(json))).toMatchObject({ code: 'invalid_event_type', pointer })
  })
})
