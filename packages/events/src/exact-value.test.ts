import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { assertExact, MAX_NESTING } from './exact-value.ts'

class Money {
  readonly amount = 1
}

function nested(levels: number): unknown {
  return levels === 0 ? 'core' : { inner: nested(levels - 1) }
}

describe('JSON cannot carry', () => {
  test.each([
    ['NaN', { a: Number.NaN }, '/data/a', /^data\.a is NaN/],
    ['Infinity', { a: [1, Number.POSITIVE_INFINITY] }, '/data/a/1', /^data\.a\[1\] is Infinity/],
    ['-Infinity', { a: Number.NEGATIVE_INFINITY }, '/data/a', /is -Infinity/],
    ['undefined', { 'a/b~c': undefined }, '/data/a~1b~0c', /^data\.a\/b~c is undefined/],
    ['undefined in an array', { a: [undefined] }, '/data/a/0', /is undefined/],
    ['a hole in an array', { a: Object.assign([1], { 2: 2 }) }, '/data/a/1', /is undefined/],
    ['a function', { a: () => 1 }, '/data/a', /is a function/],
    ['a symbol', { a: Symbol('s') }, '/data/a', /is a symbol/],
    [
      'a bigint of more digits than Python reads',
      { a: -(10n ** 4300n) },
      '/data/a',
      /is a bigint of more than 4300 digits/
    ],
    ['a Date', { a: new Date(0) }, '/data/a', /is an instance of Date/],
    ['a Map', { a: new Map() }, '/data/a', /is an instance of Map/],
    ['a Set', { a: { b: new Set() } }, '/data/a/b', /is an instance of Set/],
    ['an instance of a class', { a: new Money() }, '/data/a', /is an instance of Money/],
    ['bytes', { a: new Uint8Array(2) }, '/data/a', /is an instance of Uint8Array/],
    ['a boxed number', { a: Object(1) }, '/data/a', /is an instance of Number/],
    ['a kind of array', { a: new (class List extends Array {})() }, '/data/a', /is an instance of List/],
    ['an object with a toJSON', { a: { toJSON: () => 1 } }, '/data/a/toJSON', /is a function/],
    ['a symbol for a key', { a: { [Symbol('key')]: 1 } }, '/data/a', /has a symbol for a key/]
  ])('%s', (_name, value, pointer, sentence) => {
    const error = refusal(() => assertExact(value, '/data'))
    expect(error).toMatchObject({ code: 'not_representable', pointer })
    expect(error.message).toMatch(sentence)
  })

  test('a cycle, which is named where it closes', () => {
    const root: Record<string, unknown> = { list: [] }
    ;(root.list as unknown[]).push({ back: root })
    const error = refusal(() => assertExact(root, '/data'))
    expect(error).toMatchObject({ code: 'not_representable', pointer: '/data/list/0/back' })
    expect(error.message).toMatch(/is a cycle/)
  })

  test('more than 128 levels, as far as this package goes', () => {
    expect(assertExact(nested(MAX_NESTING), '/data')).toBeUndefined()
    const error = refusal(() => assertExact(nested(MAX_NESTING + 1), '/data'))
    expect(error.code).toBe('not_representable')
    expect(error.pointer).toBe(`/data${'/inner'.repeat(MAX_NESTING)}`)
    expect(error.message).toMatch(/deeper than 128/)
  })
})

test('a bigint, and a number that a double holds beyond 2^53, pass', () => {
  expect(assertExact({ a: [10n ** 4299n, -(2n ** 64n)], b: 2 ** 60 }, '/data')).toBeUndefined()
})

test('the same object in two places is no cycle', () => {
  const shared = { a: 1 }
  expect(assertExact({ one: shared, two: [shared, shared] }, '/data')).toBeUndefined()
})

test('objects without a prototype and frozen ones pass', () => {
  expect(assertExact(Object.freeze({ a: Object.assign(Object.create(null), { b: 1 }) }), '/data')).toBeUndefined()
})
