import { createEvent } from '@tradpal/events'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalJson, signedText } from './canonical.ts'

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inside]) => [key, shuffled(inside)])
  )
}

it('is JSON that says the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value as never))).toEqual(JSON.parse(JSON.stringify(value)))
    })
  )
})

it('is the same text whatever the order of keys, and another for another value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      expect(canonicalJson(shuffled(value) as never)).toBe(canonicalJson(value as never))
      const areEqual = JSON.stringify(sorted(value)) === JSON.stringify(sorted(other))
      expect(canonicalJson(value as never) === canonicalJson(other as never)).toBe(areEqual)
    })
  )
})

/** By nested pairs, which have an order of their own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return ['array', ...value.map(sorted)]
  if (typeof value !== 'object' || value === null) return value
  return [
    'object',
    ...Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inside]) => [key, sorted(inside)])
  ]
}

it('is as the example of RFC 8785 has it', () => {
  const value = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false]
  }
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
  )
  expect(
    canonicalJson({ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 })
  ).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
})

it('of an event leaves out the signature, and nothing else', () => {
  const event = createEvent('system_health', {}, { metadata: { desk: 'a' } })
  const signed = { ...event, metadata: { ...event.metadata, signature: { value: 'x' } } }
  expect(signedText(signed)).toBe(signedText(event))
  for (const change of [
    { source: 'b' },
    { timestamp: '2026-01-01T00:00:00.000+00:00' },
    { metadata: {} },
    { eventId: 'c' }
  ]) {
    expect(signedText({ ...event, ...change })).not.toBe(signedText(event))
  }
})
