import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repeatedMemberIn } from './repeated-members.ts'
import { decodeEvent, parseJson, parseStoredJson } from './wire.ts'
import { decodeEvents } from './wire-batch.ts'

const of = (text: string) => repeatedMemberIn(text, JSON.parse(text))

test.each([
  ['{"a":1,"a":2}', '/a'],
  ['{"a":1,"a":1}', '/a'],
  ['{"a":1,"\\u0061":2}', '/a'],
  ['{"a" :1,"b"\n:2,"a"\t: 3}', '/a'],
  ['{"x":[1,{"y":{"b":1,"c":2,"b":3}}]}', '/x/1/y/b'],
  ['[[],{},{"k":1},{"k":1,"k":2}]', '/3/k'],
  ['{"":1,"":2}', '/'],
  ['{"a/b~c":1,"a/b~c":2}', '/a~1b~0c'],
  ['{"__proto__":1,"__proto__":2}', '/__proto__'],
  ['{"a":{"a":1},"b":"\\":","a":2}', '/a'],
  ['{"a":":","a":"::"}', '/a'],
  [`${'{"a":'.repeat(500)}{"b":1,"b":2}${'}'.repeat(500)}`, `${'/a'.repeat(500)}/b`],
  [`${'{"s":1,"a":'.repeat(500)}{"b":1,"c":2,"b":3}${'}'.repeat(500)}`, `${'/a'.repeat(500)}/b`]
])('%s has a member twice, and its place is said', (text, pointer) => {
  expect(of(text)).toBe(pointer)
})

test.each([
  '{}',
  '[]',
  '"\\":\\":"',
  '{"a":{"a":{"a":1}},"b":{"a":1}}',
  '[{"a":1},{"a":1}]',
  '{"a":"\\"a\\":1,\\"a\\":2"}',
  '{"a":":a","b":": :"}',
  '{"a":"\\\\","b":1}',
  '{"0":1,"1":2,"00":3}',
  `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  `${'{"s":"\\":","a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  `${'['.repeat(5_000)}{"a":1,"b":"\\":"}${']'.repeat(5_000)}`
])('%s has each member once', (text) => {
  expect(of(text)).toBeUndefined()
})

describe('of any JSON', () => {
  /** Writes a value with white space wherever it may stand. */
  function written(value: unknown, blank: string): string {
    if (Array.isArray(value))
      return `[${blank}${value.map((one) => written(one, blank)).join(`${blank},${blank}`)}${blank}]`
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    const members = Object.entries(value).map(
      ([key, one]) => `${JSON.stringify(key)}${blank}:${blank}${written(one, blank)}`
    )
    return `{${blank}${members.join(`${blank},${blank}`)}${blank}}`
  }
  const blanks = fc.constantFrom('', ' ', '\n\t', '\r\n  ')
  const anyText = fc.string({ unit: fc.constantFrom('"', ':', '\\', ' ', 'a', '{', '}', ',', '\n', '\u2028') })
  const anyJson = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      anyText,
      fc.integer(),
      fc.constant(null),
      tie('object'),
      fc.array(tie('value'))
    ),
    object: fc.dictionary(anyText, tie('value'))
  }))

  test('no member is found where each is once', () => {
    fc.assert(
      fc.property(anyJson.value, blanks, (value, blank) => {
        expect(of(written(value, blank))).toBeUndefined()
      })
    )
  })

  test('a member that is written once more is found, wherever it is', () => {
    fc.assert(
      fc.property(
        fc.dictionary(anyText, anyJson.value, { minKeys: 1 }),
        anyJson.value,
        blanks,
        (object, around, blank) => {
          const [key] = Object.keys(object) as [string]
          const repeated = written(object, blank).replace(/\}$/, `,${blank}${JSON.stringify(key)}${blank}:1}`)
          const text = `[${written(around, blank)},{"in":${repeated}}]`
          expect(of(text)).toBe(`/1/in/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
        }
      )
    )
  })
})

const event = (more: string) =>
  `{"event_type":"trading_signal","event_id":"0b9e9a34-6f0c-4c43-9a52-2d6d3f3b1a11","timestamp":"2026-11-23T08:49:10Z","data":{"symbol":"BTC/USDT","signal":"BUY"${more}}}`

test('an event that says something twice is refused by name, alone and in a batch', () => {
  const twice = event(',"signal":"SELL"')
  expect(() => decodeEvent(twice)).toThrow(
    expect.objectContaining({
      code: 'invalid_json',
      pointer: '/data/signal',
      message: 'data.signal is given more than once; an object may have each member once.'
    })
  )
  expect(() => decodeEvents(`[${event('')},${twice}]`)).toThrow(
    expect.objectContaining({ code: 'invalid_json', index: 1, pointer: '/1/data/signal' })
  )
  expect(() => decodeEvents(`${event('')}\n${twice}\n`)).toThrow(
    expect.objectContaining({ code: 'invalid_json', index: 1, pointer: '/data/signal' })
  )
  expect(() => parseJson('{"a":1,"a":2}')).toThrow(expect.objectContaining({ code: 'invalid_json', pointer: '/a' }))
})

test('of an entry that another writer left in a log the last counts, as for Python', () => {
  expect(decodeEvent(event(',"signal":"SELL"'), { stored: true }).data).toMatchObject({ signal: 'SELL' })
  expect(parseStoredJson('{"a":1,"a":2}')).toEqual({ a: 2 })
})
