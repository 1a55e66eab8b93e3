import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { createEvent, type Event } from './event.ts'
import { EventType } from './event-types.ts'
import type { JsonObject } from './json-value.ts'
import { newestForm, readForm } from './newest-form.ts'
import { registerEventType } from './registry.ts'
import { platformUpcasters } from './upcasters/index.ts'
import { newestVersionOf, registerUpcaster, upcastEvent, upcastIfPossible } from './upcasting.ts'

interface Golden {
  readonly name: string
  readonly stored: JsonObject
  readonly newest: JsonObject
}

const folder = new URL('../test/golden/', import.meta.url)
const golden = readdirSync(folder).flatMap((file) => {
  const [, type = '', version = ''] = /^([a-z_]+)\.v(\d+)\.json$/.exec(file) ?? []
  const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden[]
  return cases.map((each) => ({ type, version: Number(version), ...each }))
})

function eventOf(eventType: string, data: JsonObject, version?: unknown): Event {
  const envelope = { eventId: 'e', timestamp: '2026-11-23T08:49:10.123+00:00', source: '' }
  const metadata = (version === undefined ? {} : { schema_version: version }) as Event['metadata']
  return { ...envelope, eventType, data, metadata }
}

let names = 0
/** A type of its own for each test: the registry is one for all. */
function newType(schema: object = { type: 'object' }): string {
  const name = `upcast_${++names}`
  registerEventType({ name, schema })
  return name
}

describe('the golden shapes of the built-in types', () => {
  test('have a file for each version of each type that has a step', () => {
    for (const type of Object.keys(platformUpcasters)) {
      const versions = new Set(golden.filter((each) => each.type === type).map(({ version }) => version))
      expect([...versions].sort(), type).toEqual([0, 1])
    }
  })

  test.each(golden)('$type v$version: $name', ({ type, version, stored, newest }) => {
    const event = eventOf(type, stored, version === 0 ? undefined : version)
    const before = structuredClone(event)
    const upcast = upcastEvent(event)
    expect(upcast.data).toEqual(newest)
    expect(event).toEqual(before)
    expect(upcastEvent(upcast)).toBe(upcast)
  })
})

describe('upcasting', () => {
  test('returns the event itself, unmarked, where nothing changes', () => {
    const event = createEvent(EventType.TRADING_SIGNAL, { symbol: 'X', signal: 'BUY' })
    expect(upcastEvent(event)).toBe(event)
    expect(event.metadata).toEqual({})
  })

  test('marks what it changes with the newest version', () => {
    const upcast = upcastEvent({
      ...eventOf('trading_signal', { symbol: 'X', action: 'BUY' }),
      metadata: { desk: 'a' }
    })
    expect(upcast.metadata).toEqual({ desk: 'a', schema_version: 1 })
    expect(upcastEvent(eventOf('trading_signal', { action: 'BUY' }, null)).data).toEqual({ signal: 'BUY' })
  })

  test('is the same when it is done twice, whatever the data', () => {
    const part = fc.oneof(
      fc.constantFrom('BUY', 'sell', 'MAYBE', null, 1, 0.5, 10n ** 20n),
      fc.dictionary(fc.constantFrom('action', 'signal', 'side', 'quantity', 'price', 'symbol'), fc.jsonValue())
    )
    const keys = fc.constantFrom('symbol', 'action', 'signal', 'execution', 'side', 'quantity', 'price', '__proto__')
    const data = fc.dictionary(keys, part, { noNullPrototype: true })
    fc.assert(
      fc.property(fc.constantFrom('trading_signal', 'order_executed', 'risk_alert'), data, (type, given) => {
        const event = eventOf(type, given as JsonObject)
        const before = structuredClone(event)
        const once = upcastEvent(event)
        expect(upcastEvent(once)).toEqual(once)
        // Also by a process that does not see the mark.
        expect(upcastEvent(eventOf(type, once.data)).data).toEqual(once.data)
        expect(event).toEqual(before)
        expect(Object.getPrototypeOf(once.data)).toBe(Object.prototype)
      })
    )
  })

  test('by a step that changes what it is given fails, and leaves the event as it was', () => {
    const type = newType({ type: 'object' })
    registerUpcaster({
      type,
      from: 1,
      to: 2,
      upcast: (data) => {
        ;(data.order as { id: string }).id = 'changed'
        return data
      }
    })
    const event = { ...eventOf(type, { order: { id: 'A-17' } }), metadata: { schema_version: 1 } }
    expect(() => upcastEvent(event)).toThrow(
      /cannot be upcast from version 1 to 2: Cannot assign to read only property/
    )
    expect(event.data).toEqual({ order: { id: 'A-17' } })
  })

  test('goes through each step of a chain, once, from wherever it starts', () => {
    const type = newType({ type: 'object', required: ['cents'], properties: { cents: { type: 'integer' } } })
    registerUpcaster({
      type,
      from: 1,
      to: 2,
      upcast: ({ price, ...data }) => ({ ...data, cents: Number(price) * 100 })
    })
    registerUpcaster({ type, from: 2, to: 3, upcast: (data) => ({ ...data, currency: 'USD' }) })
    registerUpcaster({
      type,
      from: 0,
      to: 1,
      upcast: ({ last, ...data }) => ({ ...data, price: last ?? data.price ?? 0 })
    })
    expect(newestVersionOf(type)).toBe(3)
    const newest = { data: { cents: 500, currency: 'USD' }, metadata: { schema_version: 3 } }
    expect(upcastEvent(eventOf(type, { last: 5 }))).toMatchObject(newest)
    expect(upcastEvent(eventOf(type, { last: 5 }, 0))).toMatchObject(newest)
    expect(upcastEvent(eventOf(type, { price: 5 }, 1))).toMatchObject(newest)
    expect(upcastEvent(eventOf(type, { cents: 500 }, 2))).toMatchObject(newest)
    const current = eventOf(type, { cents: 500, currency: 'EUR' }, 3)
    expect(upcastEvent(current)).toBe(current)
    const upcast = upcastEvent(eventOf(type, { last: 5 }))
    expect(upcastEvent(upcast)).toBe(upcast)
  })

  test.each([
    [7, /is newer than 1, the newest version of trading_signal that is known here/],
    [-1, /must be a version of trading_signal, a whole number from 0 to 1, got -1\.$/],
    [0.5, /got 0\.5\.$/],
    ['1', /got "1"\.$/],
    [2n ** 60n, /got 1152921504606846976\.$/]
  ])('refuses the version %s', (version, sentence) => {
    const event = eventOf('trading_signal', { symbol: 'X', action: 'BUY' }, version)
    const error = refusal(() => upcastEvent(event))
    expect(error).toMatchObject({ code: 'invalid_data', pointer: '/metadata/schema_version' })
    expect(error.message).toMatch(sentence)
    expect(upcastIfPossible(event)).toBe(event)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no price')
      },
      /from version 1 to 2: no price\.$/
    ],
    [
      'throws no error',
      () => {
        throw 'oops'
      },
      /from version 1 to 2: oops\.$/
    ],
    ['returns nothing', () => undefined, /the upcaster must return an object, got undefined\.$/],
    ['returns an array', () => [], /got an array\.$/],
    ['is asynchronous', async () => ({}), /got a promise\.$/]
  ])('refuses an event whose upcaster %s', (_, upcast, sentence) => {
    const type = newType()
    registerUpcaster({ type, from: 1, to: 2, upcast: upcast as never })
    const event = eventOf(type, { a: 1 })
    const error = refusal(() => upcastEvent(event))
    expect(error).toMatchObject({ code: 'invalid_data', pointer: '/data' })
    expect(error.message).toMatch(sentence)
    expect(upcastIfPossible(event)).toBe(event)
  })
})

describe('registering an upcaster', () => {
  const upcast = (data: JsonObject) => data

  test.each([
    [{ from: 2, to: 3 }, /leaves a gap: register the one from 1 to 2 first\.$/],
    [{ from: 1, to: 3 }, /must lead to the next version, 2\.$/],
    [{ from: 1, to: 1 }, /must lead to the next version/],
    [{ from: -1, to: 0 }, /must start from a version, a whole number from 0\.$/],
    [{ from: 0.5, to: 1.5 }, /must start from a version/],
    [{ from: 1, to: 2, upcast: 7 as never }, /must have a function upcast, got 7\.$/]
  ])('is refused for %j', (step, sentence) => {
    const type = newType()
    const error = refusal(() => registerUpcaster({ type, upcast, ...step }))
    expect(error.code).toBe('invalid_argument')
    expect(error.message).toMatch(sentence)
    expect(newestVersionOf(type)).toBe(1)
  })

  test('is refused for a step that is there already, a built-in one too', () => {
    const type = newType()
    for (const from of [0, 1, 2]) registerUpcaster({ type, from, to: from + 1, upcast })
    for (const from of [0, 1, 2]) {
      expect(refusal(() => registerUpcaster({ type, from, to: from + 1, upcast })).message).toMatch(/is there already/)
    }
    const builtIn = () => registerUpcaster({ type: 'trading_signal', from: 0, to: 1, upcast })
    expect(refusal(builtIn).message).toMatch(/is there already/)
  })

  test('is refused for a type that is not known', () => {
    expect(refusal(() => registerUpcaster({ type: 'trading_signl', from: 1, to: 2, upcast })).code).toBe(
      'unknown_event_type'
    )
  })
})

describe('createEvent', () => {
  test('says the newest version where there is more than the first, and leaves one that it is given', () => {
    const type = newType({ type: 'object', required: ['b'] })
    expect(createEvent(type, { b: 1 }).metadata).toEqual({})
    registerUpcaster({ type, from: 1, to: 2, upcast: ({ a, ...data }) => ({ ...data, b: a ?? null }) })
    expect(createEvent(type, { b: 1 }, { metadata: { desk: 'x' } }).metadata).toEqual({ desk: 'x', schema_version: 2 })
    const old = createEvent(type, { a: 1 }, { metadata: { schema_version: 1 } })
    expect(old).toMatchObject({ data: { a: 1 }, metadata: { schema_version: 1 } })
    expect(newestForm(old).data).toEqual({ b: 1 })
    expect(refusal(() => createEvent(type, { a: 1 })).pointer).toBe('/data/b')
  })
})

describe('the newest form', () => {
  test('of a valid event has its data typed, and says that it is valid', () => {
    const stored = { ...eventOf('trading_signal', { symbol: 'X', action: 'BUY' }), messageId: '1-0' }
    expect(readForm(stored)).toEqual({
      ...stored,
      data: { symbol: 'X', signal: 'BUY' },
      metadata: { schema_version: 1 },
      valid: true
    })
  })

  test.each([
    ['trading_signal', { symbol: 'X', signal: { strength: 3 } }, undefined, '/data/signal'],
    ['order_executed', { symbol: 'X', execution: {}, side: null, quantity: 1, price: 1 }, undefined, '/data/side'],
    ['trading_signal', { symbol: 'X', signal: 'BUY' }, 9, '/metadata/schema_version']
  ])('of an invalid event is the event as it is stored, and why: %s %j', (type, data, version, pointer) => {
    const stored = { ...eventOf(type, data, version), messageId: '1-0' }
    const read = readForm(stored)
    expect(read).toMatchObject({ ...stored, valid: false, fault: { pointer } })
    expect(read.valid === false && read.fault.message).toMatch(/trading_signal|order_executed/)
  })

  test('of a type that is not known here is the event, valid for all that is known', () => {
    const stored = { ...eventOf('of_tomorrow', { a: 1 }, 4), messageId: '1-0' }
    expect(readForm(stored)).toEqual({ ...stored, valid: true })
  })
})
