import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { assertExactText, survivesReading } from './exact-text.ts'

describe('a number in a text survives', () => {
  test.each([
    '0',
    '-0',
    '0.000',
    '0e999',
    '1e-8',
    '1E+08',
    '9007199254740991',
    '-9007199254740993',
    '100000000000000000000',
    '1700000000123456789',
    `-${'9'.repeat(4_300)}`,
    '1e308',
    '5e-324',
    '0.1',
    '0.30000000000000004',
    '0.10000000000000000555',
    '1.500000000000000000000000',
    '000.1'
  ])('as %s', (literal) => {
    expect(survivesReading(literal)).toBe(true)
  })

  test('as every double is printed, by JavaScript, and by C to any number of digits', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 17, max: 100 }),
        (value, digits) => {
          expect(survivesReading(String(value))).toBe(true)
          if (Math.abs(value) < 1) expect(survivesReading(value.toPrecision(digits))).toBe(true)
          expect(survivesReading(value.toExponential(digits))).toBe(true)
        }
      )
    )
  })

  test('as any integer of up to 4,300 digits', () => {
    fc.assert(fc.property(fc.bigInt(), (integer) => survivesReading(String(integer))))
    expect(survivesReading('9'.repeat(4_301))).toBe(false)
  })
})

describe('a number in a text is refused with its pointer', () => {
  test.each([
    ['{"data":{"id":9007199254740993.5}}', '/data/id', '9007199254740993.5'],
    ['{"data":{"id":-9007199254740993e0}}', '/data/id', '-9007199254740993e0'],
    ['{"data":{"id":1.8446744073709551615e19}}', '/data/id', '1.8446744073709551615e19'],
    ['{"a":[1, {"b/c":[0, 1.23456789012345678901]}]}', '/a/1/b~1c/1', '1.23456789012345678901'],
    ['{"a":1e400}', '/a', '1e400'],
    ['{"a":-1e400}', '/a', '-1e400'],
    ['{"a":1e-400}', '/a', '1e-400'],
    ['{"a" : 1.23456e-320}', '/a', '1.23456e-320'],
    ['[\n9007199254740993.1\n]', '/0', '9007199254740993.1'],
    [
      '{"9007199254740993":"9007199254740993","\\"k\\\\":[[],{},123456789.123456789012]}',
      '/"k\\/2',
      '123456789.123456789012'
    ],
    ['{"x":{"y":[]},"z":{"":12345678901234567890.5}}', '/z/', '12345678901234567890.5'],
    [`{"a":0.${'1'.repeat(400)}}`, '/a', '0.11111']
  ])('in %s', (text, pointer, literal) => {
    JSON.parse(text)
    const error = refusal(() => assertExactText(text))
    expect(error).toMatchObject({ code: 'not_representable', pointer })
    expect(error.message).toContain(literal)
    expect(error.message).toContain('send it as text')
  })

  test('wherever it stands among others', () => {
    const key = fc.string()
    const place = fc.array(fc.oneof(key, fc.constant(0)), { maxLength: 6 })
    fc.assert(
      fc.property(place, fc.jsonValue(), (path, other) => {
        let text = '9007199254740993.5'
        for (const step of path.toReversed()) {
          text = step === 0 ? `[${text},${JSON.stringify(other)}]` : `{${JSON.stringify(step)}:${text}}`
        }
        text = `{"data":${text}}`
        const pointer = ['data', ...path]
          .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
          .join('')
        expect(refusal(() => assertExactText(text)).pointer).toBe(pointer)
      })
    )
  })
})

test('a number as long as a body may be is refused without delay', () => {
  const started = performance.now()
  for (const literal of [`1.${'0'.repeat(1 << 20)}1`, '7'.repeat(1 << 20), `1${'0'.repeat(1 << 20)}`]) {
    expect(refusal(() => assertExactText(`{"a":${literal}}`)).pointer).toBe('/a')
  }
  expect(performance.now() - started).toBeLessThan(2_000)
})

test('a text that only looks like a long number is no number', () => {
  const text = JSON.stringify({
    id: 'order: 9007199254740993',
    note: ' 1e400,[1e400,[9007199254740993.5',
    'a:9007199254740993': '\\" 9007199254740993'
  })
  expect(assertExactText(text)).toBeUndefined()
})
