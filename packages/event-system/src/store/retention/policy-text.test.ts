import { expect, test } from 'vitest'
import { parseAge, parseBytes, parseLimitsByType } from './policy-text.ts'

test.each([
  ['500ms', 500],
  ['90s', 90_000],
  ['15m', 900_000],
  ['12h', 43_200_000],
  ['1.5d', 129_600_000],
  ['2w', 1_209_600_000],
  ['7y', 220_752_000_000]
])('the age %s is %d ms', (text, ms) => {
  expect(parseAge(text)).toBe(ms)
})

test.each([
  ['1048576', 1_048_576],
  ['500MiB', 524_288_000],
  ['10GiB', 10_737_418_240]
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes)
})

test('limits by type are ages, numbers and sizes, one or several of each', () => {
  expect(parseLimitsByType('market_data_update=1d/10GiB, order_executed=7y,risk_alert=1000')).toEqual({
    market_data_update: { maxAgeMs: 86_400_000, maxBytes: 10_737_418_240 },
    order_executed: { maxAgeMs: 220_752_000_000 },
    risk_alert: { maxLength: 1_000 }
  })
})

test.each([
  [() => parseAge('30'), '"30" is no age such as'],
  [() => parseAge('1month'), '"1month" is no age such as'],
  [() => parseAge('-1d'), '"-1d" is no age such as'],
  [() => parseBytes('10gb'), '"10gb" is no size such as'],
  [() => parseBytes('99999999TiB'), '"99999999TiB" is no size such as'],
  [() => parseLimitsByType('market_data_update'), '"market_data_update" is no limit of a type such as'],
  [() => parseLimitsByType('a=1d,,b=2d'), '"" is no limit of a type such as'],
  [() => parseLimitsByType('a=soon'), '"soon" is no limit: an age such as']
])('%s is refused', (parse, message) => {
  expect(parse).toThrow(expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining(message) }))
})
