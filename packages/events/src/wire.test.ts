import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { createEvent, type Event, type EventMetadata } from './event.ts'
import { stringifyJson } from './exact-json.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import {
  AS_STORED,
  type DecodeOptions,
  decodeEvent,
  encodeEvent,
  encodeEventBytes,
  encodeParts,
  fromWire,
  parseJson,
  toWire
} from './wire.ts'
import { decodeEvents, encodeJsonArray, encodeNdjson } from './wire-batch.ts'

const event = createEvent(
  'trading_signal',
  { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.85 },
  { eventId: 'e-1', timestamp: '2026-11-23T08:49:10.123Z', source: 'ml_service', metadata: { correlation_id: 'c-1' } }
)
const text =
  '{"event_type":"trading_signal","event_id":"e-1","timestamp":"2026-11-23T08:49:10.123+00:00","source":"ml_service",' +
  '"data":{"symbol":"BTC/USDT","signal":"BUY","confidence":0.85},"metadata":{"correlation_id":"c-1"}}'
const wire = toWire(event)

function carrying(data: JsonObject, metadata: EventMetadata = {}): Event {
  return { ...event, eventType: 'system_health', data, metadata }
}

describe('the round trip', () => {
  test('writes the contract byte for byte, and reads it back', () => {
    expect(encodeEvent(event)).toBe(text)
    expect(new TextDecoder().decode(encodeEventBytes(event))).toBe(text)
    expect(decodeEvent(text)).toEqual(event)
    expect(decodeEvent(new TextEncoder().encode(text))).toEqual(event)
    expect(fromWire(wire)).toEqual(event)
  })

  test('gives the parts of that text, whatever they say', () => {
    const lure = fc.constantFrom(',"data":', '","data":{}', ',"metadata":{}}', '{}', ',', '\\')
    const part = fc.dictionary(
      fc.oneof(lure, fc.constantFrom('data', 'metadata')),
      fc.oneof(lure, fc.constant({}), fc.jsonValue())
    )
    const object = part.filter((one) => !('__proto__' in one))
    fc.assert(
      fc.property(lure, object, object, (source, data, metadata) => {
        const some = { ...carrying(data as JsonObject, metadata as EventMetadata), source }
        const parts = encodeParts(some)
        expect(`${parts.head},"data":${parts.data},"metadata":${parts.metadata}}`).toBe(encodeEvent(some))
        expect(parts.data).toBe(stringifyJson(data))
        expect(parts.metadata).toBe(stringifyJson(metadata))
      })
    )
    expect(refusal(() => encodeParts(carrying({ bad: Number.NaN }))).code).toBe('not_representable')
  })

  test('is exact for whatever JSON can carry', () => {
    const value = fc.jsonValue({ noNegativeZero: true, stringUnit: 'binary' } as object)
    const number = fc.oneof(
      fc.constantFrom(1e-8, 1e-320, 5e-324, Number.MAX_VALUE, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1e17, 1e21, 0.1 + 0.2),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((double) => !Object.is(double, -0))
    )
    const big = fc.bigInt().filter((integer) => !Number.isSafeInteger(Number(integer)))
    const odd = fc.constantFrom('\u2028', '\u0000', '\\ud800', '"\\ud800"', '\ud83d\ude00')
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.oneof(value, number, big, odd)), (given) => {
        const data = parseJson(stringifyJson(given)) as JsonObject
        const sent = carrying(data, data as EventMetadata)
        expect(decodeEvent(encodeEvent({ ...sent, metadata: { more: data as never } })).metadata.more).toEqual(data)
        expect(decodeEvent(encodeEventBytes({ ...sent, metadata: {} }), AS_STORED)).toEqual({
          ...sent,
          metadata: {}
        })
      }),
      { examples: [[{ big: 2 ** 53, odd: '\\ud800', small: 1e-8, time: 1700000000123456789n }]] }
    )
  })

  test('writes -0 as 0', () => {
    expect(encodeEvent(carrying({ zero: -0 }))).toContain('"zero":0}')
  })

  test('keeps a __proto__ key and pollutes nothing', () => {
    const hostile = text
      .replace('"symbol"', '"__proto__":{"polluted":true},"symbol"')
      .replace('{"event_type"', '{"__proto__":{"source":"x"},"event_type"')
    const read = decodeEvent(hostile)
    expect(Object.hasOwn(read.data, '__proto__')).toBe(true)
    expect((read.data as { polluted?: boolean }).polluted).toBeUndefined()
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(encodeEvent(read)).toContain('"__proto__":{"polluted":true}')
    expect(read.source).toBe('ml_service')
  })
})

describe('reading an event', () => {
  test('takes null and absent parts as empty, and ignores further fields', () => {
    const bare = { event_type: 'system_health', event_id: 'e', timestamp: '2026-11-23T08:49:10.123456' }
    const expected = {
      eventType: 'system_health',
      eventId: 'e',
      timestamp: '2026-11-23T08:49:10.123456+00:00',
      source: '',
      data: {},
      metadata: {}
    }
    expect(fromWire(bare)).toEqual(expected)
    expect(fromWire({ ...bare, source: null, data: null, metadata: null, message_id: '1-0' })).toEqual(expected)
  })

  test('makes up an id and a time only when it is asked to complete', () => {
    for (const door of [
      { event_type: 'system_health' },
      { event_type: 'system_health', event_id: null, timestamp: null }
    ]) {
      const before = Date.now()
      const made = fromWire(door, { complete: true })
      expect(made.eventId).toMatch(/^[0-9a-f-]{36}$/)
      expect(Date.parse(made.timestamp)).toBeGreaterThanOrEqual(before)
      expect(refusal(() => fromWire(door)).pointer).toBe('/event_id')
    }
    expect(refusal(() => fromWire({ event_id: 'e' }, { complete: true })).pointer).toBe('/event_type')
    expect(refusal(() => fromWire({ event_type: 'system_health', event_id: '' }, { complete: true })).pointer).toBe(
      '/event_id'
    )
  })

  test('keeps the name that an event was sent under beside the canonical one, however much it checks', () => {
    const old = { ...wire, event_type: 'backtest_complete', data: {} }
    for (const options of [{}, { validation: 'platform' }, { validation: 'off' }, AS_STORED] as const) {
      const read = fromWire(old, options)
      expect(read).toMatchObject({ eventType: 'backtest_completed', wireType: 'backtest_complete' })
      expect(encodeEvent(read)).toMatch(/^\{"event_type":"backtest_complete",/)
    }
    expect(Object.hasOwn(fromWire(wire), 'wireType')).toBe(false)
  })

  test('lets an unknown type and unfit data pass when it is read as it is stored', () => {
    expect(fromWire({ ...wire, event_type: 'of_tomorrow' }, AS_STORED).eventType).toBe('of_tomorrow')
    expect(fromWire({ ...wire, data: { confidence: 7 } }, AS_STORED).data).toEqual({ confidence: 7 })
    expect(refusal(() => fromWire({ ...wire, event_id: 7 }, AS_STORED)).pointer).toBe('/event_id')
  })

  test.each([
    [{ event_type: undefined }, 'invalid_event', '/event_type', /^event_type is missing/],
    [{ event_type: null }, 'invalid_event', '/event_type', /is missing/],
    [{ event_type: 7 }, 'invalid_event', '/event_type', /must be a text, got 7/],
    [{ event_type: '' }, 'invalid_event', '/event_type', /must be a text, got ""/],
    [{ event_type: 'trading_signl' }, 'unknown_event_type', '/event_type', /nearest known ones are trading_signal/],
    [{ event_id: undefined }, 'invalid_event', '/event_id', /is missing/],
    [{ event_id: '' }, 'invalid_event', '/event_id', /1 to 200 characters/],
    [{ event_id: 'x'.repeat(201) }, 'invalid_event', '/event_id', /got 201/],
    [{ event_id: 'a\u0000' }, 'invalid_event', '/event_id', /control characters/],
    [{ event_id: 'a\ud800' }, 'invalid_event', '/event_id', /lone surrogate/],
    [{ timestamp: undefined }, 'invalid_event', '/timestamp', /is missing/],
    [{ timestamp: 1764000000 }, 'invalid_event', '/timestamp', /must be a text such as .*got 1764000000/],
    [{ timestamp: '2026-11-23' }, 'invalid_event', '/timestamp', /with a date and a time/],
    [{ timestamp: '2026-02-30T00:00:00Z' }, 'invalid_event', '/timestamp', /does not exist/],
    [{ source: 7 }, 'invalid_event', '/source', /must be a text/],
    [{ data: [] }, 'invalid_event', '/data', /must be an object, got an array/],
    [{ data: 'x' }, 'invalid_event', '/data', /must be an object, got "x"/],
    [{ data: { signal: 'BUY' } }, 'invalid_data', '/data/symbol', /is missing/],
    [{ metadata: [] }, 'invalid_event', '/metadata', /must be an object/],
    [
      { metadata: { correlation_id: 7 } },
      'invalid_event',
      '/metadata/correlation_id',
      /^metadata\.correlation_id must be a text/
    ],
    [{ metadata: { causation_id: [] } }, 'invalid_event', '/metadata/causation_id', /must be a text/]
  ])('refuses %j', (part, code, pointer, sentence) => {
    const error = refusal(() => fromWire({ ...wire, ...part }))
    expect(error).toMatchObject({ code, pointer })
    expect(error.message).toMatch(sentence)
  })

  test.each<[DecodeOptions, id: JsonValue]>([
    [{ validation: 'platform' }, 7],
    [{ validation: 'off' }, { trace: 'a' }],
    [AS_STORED, false],
    [{}, null]
  ])('with %j takes metadata whose correlation_id and causation_id are %j, and keeps them', (options, id) => {
    const metadata = { correlation_id: id, causation_id: id }
    expect(fromWire({ ...wire, metadata }, options).metadata).toEqual(metadata)
  })

  test.each([null, 7, 'event', [], undefined])('refuses %j, which is no object', (value) => {
    expect(refusal(() => fromWire(value))).toMatchObject({ code: 'invalid_event', pointer: '' })
  })

  test.each(['', '{', '{"a":NaN}', "{'a':1}", 'undefined'])('refuses the text %j as no JSON', (json) => {
    expect(refusal(() => decodeEvent(json)).code).toBe('invalid_json')
  })

  test('refuses bytes that are no UTF-8', () => {
    const bytes = new TextEncoder().encode(text)
    bytes[text.indexOf('ml_service')] = 0xff
    expect(refusal(() => decodeEvent(bytes)).code).toBe('invalid_json')
  })

  test.each([
    ['0.85', '0.8500000000000000000001', '/data/confidence'],
    ['"c-1"', '"c-1","at":1e999', '/metadata/at'],
    ['"BUY"', '"BUY","fills":[{"price":1.23456789012345678901}]', '/data/fills/0/price']
  ])('refuses a number that a double would change: %s replaced with %s', (part, replacement, pointer) => {
    expect(refusal(() => decodeEvent(text.replace(part, replacement)))).toMatchObject({
      code: 'not_representable',
      pointer
    })
  })

  test('refuses nesting past 128, however deep', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const error = refusal(() => decodeEvent(text.replace('"BUY"', `"BUY","deep":${deep}`)))
    expect(error.code).toBe('not_representable')
    expect(error.pointer).toMatch(/^\/data\/deep(?:\/0)+$/)
  })
})

describe('an integer beyond 2^53', () => {
  const time = '1700000000123456789'
  const long = '9'.repeat(4_300)

  test.each([time, `-${time}`, '9007199254740992', '18446744073709551616', long])(
    'is a bigint, and is written as it was sent: %s',
    (literal) => {
      const sent = text
        .replace('0.85', `0.85,"at":${literal},"list":[{"at":${literal}}]`)
        .replace('"c-1"', `"c-1","at":${literal}`)
      const read = decodeEvent(sent)
      expect(read.data).toMatchObject({ at: BigInt(literal), list: [{ at: BigInt(literal) }] })
      expect(read.metadata.at).toBe(BigInt(literal))
      expect(encodeEvent(read)).toBe(sent)
      expect(encodeJsonArray([read])).toBe(`[${sent}]`)
      expect(decodeEvents(`[${sent}]`)).toEqual([read])
      expect(decodeEvents(encodeNdjson([read]))).toEqual([read])
    }
  )

  test('is a number with an exponent or a fraction, and one that is a number is written so', () => {
    const { data } = decodeEvent(text.replace('0.85', '0.85,"a":1e18,"b":9007199254740992.0'))
    expect(data).toMatchObject({ a: 1e18, b: 2 ** 53 })
    expect(encodeEvent(carrying({ a: 1e18, b: -(2 ** 53), c: 1e21 }))).toContain(
      '{"a":1e+18,"b":-9.007199254740992e+15,"c":1e+21}'
    )
  })

  test('is a text where it stands in a text', () => {
    const note = ` ${time},[${time}`
    const read = decodeEvent(text.replace('0.85', `0.85,"n":${time},"note":${JSON.stringify(note)}`))
    expect(read.data).toMatchObject({ n: BigInt(time), note })
  })

  test('of more than 4,300 digits is refused, read and written', () => {
    const tooLong = text.replace('0.85', `0.85,"n":${long}0`)
    expect(refusal(() => decodeEvent(tooLong))).toMatchObject({ code: 'not_representable', pointer: '/data/n' })
    expect(refusal(() => encodeEvent(carrying({ n: BigInt(`${long}0`) })))).toMatchObject({
      code: 'not_representable',
      pointer: '/data/n'
    })
  })

  test('does not make nesting pass', () => {
    const deep = `${'['.repeat(100_000)}${time}${']'.repeat(100_000)}`
    expect(refusal(() => decodeEvent(text.replace('"BUY"', `"BUY","deep":${deep}`))).code).toBe('not_representable')
  })
})

describe('writing an event', () => {
  test.each([
    [{ data: { a: ['ok', '\ud800'] } }, '/data/a/1'],
    [{ data: { 'a\udfff': 1 } }, '/data/a\udfff'],
    [{ metadata: { a: '\udc00\ud800' } }, '/metadata/a'],
    [{ source: 'a\ud800' }, '/source']
  ])('refuses a lone surrogate: %j', (part, pointer) => {
    const error = refusal(() => encodeEvent({ ...event, ...part } as unknown as Event))
    expect(error).toMatchObject({ code: 'not_representable', pointer })
    expect(error.message).toMatch(/lone surrogate/)
  })

  test.each([
    ['data', { a: Number.NaN }, '/data/a'],
    ['data', { at: new Date(0) }, '/data/at'],
    ['metadata', { a: { b: undefined } }, '/metadata/a/b']
  ])('refuses in its %s what JSON cannot carry', (part, value, pointer) => {
    const broken = { ...event, [part]: value } as unknown as Event
    expect(refusal(() => encodeEvent(broken))).toMatchObject({ code: 'not_representable', pointer })
  })
})

describe('a batch', () => {
  const events = [event, carrying({ status: 'healthy' }), carrying({ status: 'degraded' })]

  test('goes out and comes in as an array and as lines', () => {
    expect(decodeEvents(encodeJsonArray(events))).toEqual(events)
    expect(decodeEvents(encodeNdjson(events))).toEqual(events)
    expect(decodeEvents(new TextEncoder().encode(` \n${encodeJsonArray(events)}`))).toEqual(events)
    expect(decodeEvents(`\n${encodeNdjson(events).replaceAll('\n', '\r\n\r\n')}`)).toEqual(events)
    expect(encodeNdjson(events).split('\n')).toHaveLength(4)
  })

  test('may be empty', () => {
    expect(decodeEvents('[]')).toEqual([])
    expect(decodeEvents('')).toEqual([])
    expect(encodeJsonArray([])).toBe('[]')
    expect(encodeNdjson([])).toBe('')
  })

  test.each([
    [[text, text.replace('0.85', '1.85')], 'invalid_data', 1, '/data/confidence'],
    [[text, text, '7'], 'invalid_event', 2, ''],
    [[text, text.replace('0.85', '0.85,"n":9007199254740993.5')], 'not_representable', 1, '/data/n'],
    [[text.replace('"e-1"', 'null'), text], 'invalid_event', 0, '/event_id']
  ])('says which one is wrong: %#', (items, code, index, pointer) => {
    expect(refusal(() => decodeEvents(`[${items.join(',')}]`))).toMatchObject({
      code,
      index,
      pointer: `/${index}${pointer}`
    })
    const inLines = refusal(() => decodeEvents(items.join('\n')))
    expect(inLines).toMatchObject({ code, index, pointer })
    expect(inLines.message).toMatch(new RegExp(`^Event ${index}, on line ${index + 1}: `))
  })

  test('says which line is no JSON, and that an array is none as a whole', () => {
    const inLines = refusal(() => decodeEvents(`${text}\n\n{oops`))
    expect(inLines).toMatchObject({ code: 'invalid_json', index: 1 })
    expect(inLines.message).toMatch(/^Event 1, on line 3: /)
    expect(refusal(() => decodeEvents(`[${text},`))).toMatchObject({ code: 'invalid_json', index: undefined })
  })

  test('completes each event when it is asked to', () => {
    const made = decodeEvents('{"event_type":"system_health"}\n{"event_type":"risk_alert"}', { complete: true })
    expect(made.map(({ eventType }) => eventType)).toEqual(['system_health', 'risk_alert'])
    expect(made[0]?.eventId).not.toBe(made[1]?.eventId)
  })

  test('says which event cannot be written', () => {
    const broken = [event, carrying({ a: Number.NaN })]
    expect(refusal(() => encodeJsonArray(broken))).toMatchObject({
      code: 'not_representable',
      index: 1,
      pointer: '/1/data/a'
    })
    expect(refusal(() => encodeNdjson(broken))).toMatchObject({ code: 'not_representable', index: 1 })
  })
})
