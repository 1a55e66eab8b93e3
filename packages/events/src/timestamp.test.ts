import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { refusal } from '../test/refusal.ts'
import { formatTimestamp, normalizeTimestamp, timestampMs } from './timestamp.ts'

describe('a timestamp is written', () => {
  test('in UTC with 3 fraction digits and +00:00', () => {
    expect(formatTimestamp(Date.UTC(2026, 10, 23, 8, 49, 10, 123))).toBe('2026-11-23T08:49:10.123+00:00')
    expect(formatTimestamp(new Date(0))).toBe('1970-01-01T00:00:00.000+00:00')
  })

  test('for each instant as for any other, whichever were written before it', () => {
    const [one, other] = [Date.UTC(2026, 10, 23, 8, 49, 10, 123), Date.UTC(2026, 10, 23, 8, 49, 10, 124)]
    expect([one, one, other, one, one + 0.5].map(formatTimestamp).map((text) => text.slice(20, 23))).toEqual([
      '123',
      '123',
      '124',
      '123',
      '123'
    ])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, new Date('nonsense'), 8.64e15, -8.64e15])(
    'but not for %s',
    (instant) => {
      expect(refusal(() => formatTimestamp(instant)).code).toBe('invalid_argument')
    }
  )
})

describe('a timestamp is read', () => {
  test.each([
    ['2026-11-23T08:49:10.123+00:00', '2026-11-23T08:49:10.123+00:00'],
    ['2026-11-23T08:49:10.123456+00:00', '2026-11-23T08:49:10.123456+00:00'],
    ['2026-11-23T08:49:10.123Z', '2026-11-23T08:49:10.123+00:00'],
    ['2026-11-23t08:49:10z', '2026-11-23T08:49:10.000+00:00'],
    ['2026-11-23 08:49:10-00:00', '2026-11-23T08:49:10.000+00:00'],
    ['2026-11-23T08:49:10', '2026-11-23T08:49:10.000+00:00'],
    ['2026-11-23T08:49:10.123456', '2026-11-23T08:49:10.123456+00:00'],
    ['2026-11-23T08:49:10.1', '2026-11-23T08:49:10.100+00:00'],
    ['2026-11-23T08:49:10.1234', '2026-11-23T08:49:10.123400+00:00'],
    ['2026-11-23T08:49:10.123456999Z', '2026-11-23T08:49:10.123456+00:00'],
    ['2026-11-23T00:15:00+05:30', '2026-11-22T18:45:00.000+00:00'],
    ['2026-12-31T23:30:00.5-01:00', '2027-01-01T00:30:00.500+00:00'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000+00:00'],
    ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00.000+00:00'],
    ['1990-12-31T15:59:60.25-08:00', '1991-01-01T00:00:00.250+00:00'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000+00:00'],
    ['0099-03-01T00:00:00Z', '0099-03-01T00:00:00.000+00:00']
  ])('%s is %s', (text, canonical) => {
    expect(normalizeTimestamp(text)).toBe(canonical)
  })

  test.each([
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00.000+00:00',
    '2026-04-31T00:00:00.000+00:00',
    '1900-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T12:00:60Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T00:00:00+25:00',
    '2026-01-01T00:00:00+00:60',
    '0000-01-01T00:00:00.000+00:00',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '2026-11-23',
    '2026-11-23T08:49',
    '2026-11-23T08:49:10.Z',
    '2026-11-23T08:49:10+0000',
    '1764000000',
    '2026-11-23T08:49:10.123+00:00\n',
    ' 2026-11-23T08:49:10Z',
    ''
  ])('but not %j', (text) => {
    const error = refusal(() => normalizeTimestamp(text))
    expect(error.code).toBe('invalid_argument')
    expect(error.message).toContain(JSON.stringify(text))
  })

  test.each([1764000000, null, undefined, new Date(0)])('but not %s, which is no text', (value) => {
    expect(refusal(() => normalizeTimestamp(value as unknown as string)).message).toMatch(
      /^A timestamp must be a text such as .*, got /
    )
  })

  test('back to the instant it was written from', () => {
    const instant = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') })
    fc.assert(
      fc.property(instant, (ms) => {
        const text = formatTimestamp(ms)
        expect(timestampMs(text)).toBe(ms)
        expect(normalizeTimestamp(text)).toBe(text)
        expect(normalizeTimestamp(new Date(ms).toISOString())).toBe(text)
      })
    )
  })

  test('as the same instant with any offset', () => {
    const minutes = fc.integer({ min: -1439, max: 1439 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), minutes, (ms, offset) => {
        const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1)
        const size = Math.abs(offset)
        const written = `${offset < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`
        expect(timestampMs(local + written)).toBe(ms)
      })
    )
  })
})
