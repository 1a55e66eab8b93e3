import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import type { Clock } from './clock.ts'
import { createEvent, type Event, validateEvent } from './event.ts'
import { EventType } from './event-types.ts'
import type { JsonObject } from './json-value.ts'
import { withLineage } from './lineage.ts'
import { registerEventType } from './registry.ts'

const signal = { symbol: 'BTC/USDT', signal: 'BUY', confidence: 0.85 } as const
const clock: Clock = { now: () => Date.UTC(2026, 10, 23, 8, 49, 10, 123), sleep: () => Promise.resolve() }

describe('createEvent', () => {
  test('stamps what it is not given: a new UUID, the time of the clock, an empty source, empty metadata', () => {
    const event = createEvent(EventType.TRADING_SIGNAL, signal, { clock })
    expect(event).toEqual({
      eventType: 'trading_signal',
      eventId: event.eventId,
      timestamp: '2026-11-23T08:49:10.123+00:00',
      source: '',
      data: signal,
      metadata: {}
    })
    expect(event.eventId).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(createEvent(EventType.TRADING_SIGNAL, signal).eventId).not.toBe(event.eventId)
  })

  test.each([
    ['2026-11-23T09:49:10.123+01:00', '2026-11-23T08:49:10.123+00:00'],
    [new Date(0), '1970-01-01T00:00:00.000+00:00'],
    [0, '1970-01-01T00:00:00.000+00:00']
  ])('takes the timestamp %s', (timestamp, expected) => {
    expect(createEvent('system_health', {}, { timestamp }).timestamp).toBe(expected)
  })

  test('takes a registered type and resolves the alias', () => {
    const made: string = 'made_here'
    registerEventType({ name: made, schema: { type: 'object' } })
    expect(createEvent(made, { a: 1 }).data).toEqual({ a: 1 })
    expect(createEvent(made).data).toEqual({})
    expect(createEvent('backtest_complete').eventType).toBe('backtest_completed')
  })

  test.each([
    ['eventId', ''],
    ['eventId', 'x'.repeat(201)],
    ['eventId', 'a\nb'],
    ['eventId', 7],
    ['timestamp', 'yesterday'],
    ['timestamp', '2026-02-30T00:00:00Z'],
    ['timestamp', Number.NaN],
    ['timestamp', new Date('no')],
    ['source', 7],
    ['source', null],
    ['metadata', []],
    ['metadata', null],
    ['metadata', { correlation_id: 7 }],
    ['metadata', { causation_id: [] }]
  ])('refuses %s: %j with its pointer', (option, value) => {
    const error = refusal(() => createEvent('system_health', {}, { [option]: value }))
    const field = { eventId: '/event_id' }[option] ?? `/${option}`
    const key = typeof value === 'object' && value !== null ? Object.keys(value)[0] : undefined
    expect(error).toMatchObject({ code: 'invalid_event', pointer: key === undefined ? field : `${field}/${key}` })
  })

  test('takes an event id of 200 characters', () => {
    expect(createEvent('system_health', {}, { eventId: 'x'.repeat(200) }).eventId).toHaveLength(200)
  })

  test('refuses a type, data and a value that do not fit', () => {
    expect(refusal(() => createEvent('no_such_type' as string, {})).code).toBe('unknown_event_type')
    expect(refusal(() => createEvent(7 as unknown as string, {}))).toMatchObject({
      code: 'invalid_event',
      pointer: '/event_type'
    })
    expect(refusal(() => createEvent('system_health', [] as unknown as JsonObject))).toMatchObject({
      code: 'invalid_event',
      pointer: '/data'
    })
    expect(refusal(() => createEvent('trading_signal', { ...signal, confidence: 2 })).pointer).toBe('/data/confidence')
  })
})

describe('validateEvent', () => {
  const event = createEvent('trading_signal', signal)

  test('lets pass what createEvent makes', () => {
    expect(validateEvent(event)).toBeUndefined()
  })

  test.each([
    [{ eventType: 'nonsense' }, 'unknown_event_type', '/event_type'],
    [{ eventType: undefined }, 'invalid_event', '/event_type'],
    [{ eventId: '' }, 'invalid_event', '/event_id'],
    [{ timestamp: '2026-11-23T08:49:10Z' }, 'invalid_event', '/timestamp'],
    [{ timestamp: 5 }, 'invalid_event', '/timestamp'],
    [{ source: undefined }, 'invalid_event', '/source'],
    [{ data: undefined }, 'invalid_event', '/data'],
    [{ data: {} }, 'invalid_data', '/data/symbol'],
    [{ metadata: undefined }, 'invalid_event', '/metadata']
  ])('refuses an event with %j', (part, code, pointer) => {
    expect(refusal(() => validateEvent({ ...event, ...part } as Event))).toMatchObject({ code, pointer })
  })
})

describe('withLineage', () => {
  const first = createEvent('market_data_update', { symbol: 'X' }, { eventId: 'first' })

  test('gives the cause and its correlation, which starts with the first event', () => {
    const second = withLineage(
      createEvent('trading_signal', signal, { eventId: 'second', metadata: { desk: 'a' } }),
      first
    )
    expect(second.metadata).toEqual({ desk: 'a', correlation_id: 'first', causation_id: 'first' })
    const third = withLineage(createEvent('system_health', {}), second)
    expect(third.metadata).toEqual({ correlation_id: 'first', causation_id: 'second' })
    expect(first.metadata).toEqual({})
  })

  test('keeps what the event says of itself', () => {
    const metadata = { correlation_id: 'c', causation_id: 'a' }
    expect(withLineage(createEvent('system_health', {}, { metadata }), first).metadata).toEqual(metadata)
    expect(
      withLineage(createEvent('system_health', {}, { metadata: { correlation_id: 'c' } }), first).metadata
    ).toEqual({
      correlation_id: 'c',
      causation_id: 'first'
    })
  })

  test('takes null, and of the cause an id that is no text, for no id', () => {
    const metadata = { correlation_id: null, causation_id: null }
    const cause = { ...first, metadata: { correlation_id: 7 as unknown as string } }
    expect(withLineage(createEvent('system_health', {}, { metadata }), cause).metadata).toEqual({
      correlation_id: 'first',
      causation_id: 'first'
    })
  })
})
