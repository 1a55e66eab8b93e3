import { expect, test } from 'vitest'
import { parseBytes, parseLimitsByType } from './policy-text.ts'

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
  [() => parseBytes('10gb'), '"10gb" is no size such as'],
  [() => parseBytes('99999999TiB'), '"99999999TiB" is no size such as'],
  [() => parseLimitsByType('market_data_update'), '"market_data_update" is no limit of a type such as'],
  [() => parseLimitsByType('a=1d,,b=2d'), '"" is no limit of a type such as'],
  [() => parseLimitsByType('a=soon'), '"soon" is no limit: an age such as']
])('%s is refused', (parse, message) => {
  expect(parse).toThrow(expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining(message) }))
})
