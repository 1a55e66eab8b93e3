import { expect, test } from 'vitest'
import { parseAge } from './age.ts'
import { counted } from './counted.ts'

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

test.each(['30', '1month', '-1d', '', 'd', '9e9y', '99999999999y'])('%j is no age', (text) => {
  expect(() => parseAge(text)).toThrow(
    expect.objectContaining({
      code: 'invalid_options',
      message: `${JSON.stringify(text)} is no age such as 90s, 15m, 12h, 30d, 2w or 7y.`
    })
  )
})

test.each([
  [0, 'event', undefined, '0 events'],
  [1, 'event', undefined, '1 event'],
  [2, 'event', undefined, '2 events'],
  [1, 'entry', 'entries', '1 entry'],
  [5, 'entry', 'entries', '5 entries']
])('%d of %s is written with the noun that fits', (count, noun, plural, text) => {
  expect(counted(count, noun, plural)).toBe(text)
})
