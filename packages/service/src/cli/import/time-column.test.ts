import { describe, expect, it } from 'vitest'
import { TimeColumn } from './time-column.ts'
import type { TimeOptions } from './times.ts'

/** The timestamps of a column with these cells. */
function timesOf(cells: readonly string[], options: TimeOptions = {}): string[] {
  const column = new TimeColumn('Date', 0, options)
  for (const [index, cell] of cells.entries()) column.note(cell, index + 2)
  return cells.map((cell) => column.read(cell).timestamp)
}

const refusalOf = (cells: readonly string[], options: TimeOptions = {}) => {
  try {
    return `read as ${timesOf(cells, options)}`
  } catch (error) {
    return (error as Error).message
  }
}

describe('a column of times', () => {
  it.each<[cell: string, timestamp: string]>([
    ['2024-01-31', '2024-01-31T00:00:00.000+00:00'],
    ['2024/01/31', '2024-01-31T00:00:00.000+00:00'],
    ['2024.01.02', '2024-01-02T00:00:00.000+00:00'],
    ['2024.01.02 09:30', '2024-01-02T09:30:00.000+00:00'],
    ['20240102', '2024-01-02T00:00:00.000+00:00'],
    ['20240102 170000', '2024-01-02T17:00:00.000+00:00'],
    ['20240102T093000Z', '2024-01-02T09:30:00.000+00:00'],
    ['20240102 09:30:00', '2024-01-02T09:30:00.000+00:00'],
    ['20240102093000', '2024-01-02T09:30:00.000+00:00'],
    ['20240102093000123', '2024-01-02T09:30:00.123+00:00'],
    ['2024-01-31 09:30:00.5', '2024-01-31T09:30:00.500+00:00'],
    ['2024-01-31 09:30:00,123', '2024-01-31T09:30:00.123+00:00'],
    ['2024-01-31T09:30:00.123456Z', '2024-01-31T09:30:00.123456+00:00'],
    ['2024-01-31 09:30:00 UTC', '2024-01-31T09:30:00.000+00:00'],
    ['2024-01-31 UTC', '2024-01-31T00:00:00.000+00:00'],
    ['2024-01-31 09:30:00 +0000', '2024-01-31T09:30:00.000+00:00'],
    ['2024-01-31 00:30:00+0530', '2024-01-30T19:00:00.000+00:00'],
    ['2024-01-31 09:30:00-05:00', '2024-01-31T14:30:00.000+00:00'],
    ['Jan 31 2000', '2000-01-31T00:00:00.000+00:00'],
    ['January 31, 2000', '2000-01-31T00:00:00.000+00:00'],
    ['31-Jan-2000', '2000-01-31T00:00:00.000+00:00'],
    ['Dec 5, 2024 4:05 PM', '2024-12-05T16:05:00.000+00:00'],
    ['915148800', '1999-01-01T00:00:00.000+00:00'],
    ['1704067200', '2024-01-01T00:00:00.000+00:00'],
    ['1704067200.123456', '2024-01-01T00:00:00.123456+00:00'],
    ['915148800000', '1999-01-01T00:00:00.000+00:00'],
    ['1704067200123.25', '2024-01-01T00:00:00.123250+00:00'],
    ['1735689600000001', '2025-01-01T00:00:00.000001+00:00'],
    ['1700000000123456000', '2023-11-14T22:13:20.123456+00:00']
  ])('reads %s', (cell, timestamp) => {
    expect(timesOf([cell])).toEqual([timestamp])
  })

  it.each<[cells: string[], options: TimeOptions, timestamps: string[]]>([
    [['-86400'], { timeUnit: 's' }, ['1969-12-31T00:00:00.000+00:00']],
    [['-0.5'], { timeUnit: 's' }, ['1969-12-31T23:59:59.500+00:00']],
    [['20240102'], { timeUnit: 's' }, ['1970-08-23T06:15:02.000+00:00']],
    [['01/02/2024'], { timeFormat: '%m/%d/%Y' }, ['2024-01-02T00:00:00.000+00:00']],
    [['01/02/2024'], { timeFormat: '%d/%m/%Y' }, ['2024-02-01T00:00:00.000+00:00']],
    [['1/2/24 9:05 PM'], { timeFormat: '%m/%d/%y %I:%M %p' }, ['2024-01-02T21:05:00.000+00:00']],
    [['2020-07-01 12-AM'], { timeFormat: '%Y-%m-%d %I-%p' }, ['2020-07-01T00:00:00.000+00:00']],
    [['2024-01-02 09:30'], { timeZone: 'America/New_York' }, ['2024-01-02T14:30:00.000+00:00']],
    [['2024-07-02 09:30'], { timeZone: 'America/New_York' }, ['2024-07-02T13:30:00.000+00:00']],
    [['2024-03-10 03:00'], { timeZone: 'America/New_York' }, ['2024-03-10T07:00:00.000+00:00']],
    [['2024-07-02 09:30Z'], { timeZone: 'America/New_York' }, ['2024-07-02T09:30:00.000+00:00']],
    [
      ['1704067200', '-86400', '0'],
      {},
      ['2024-01-01', '1969-12-31', '1970-01-01'].map((d) => `${d}T00:00:00.000+00:00`)
    ]
  ])('reads %j with %j', (cells, options, timestamps) => {
    expect(timesOf(cells, options)).toEqual(timestamps)
  })

  it.each<[cells: string[], options: TimeOptions, sentence: RegExp]>([
    [['Feb 30, 2019'], {}, /^column Date: "Feb 30, 2019" names a date or a time that does not exist\.$/],
    [['Febtober 12 2024'], {}, /"Febtober 12 2024" is no time such as/],
    [['2024-02-30'], {}, /does not exist/],
    [['2024-01-31 24:00'], {}, /does not exist/],
    [['20240231'], {}, /does not exist/],
    [['01/02/2000'], {}, /does not say which is the month: give --time-format/],
    [['31.12.2024 09:00'], {}, /--time-format/],
    [['yesterday'], {}, /is no time such as/],
    [['2024-01-31', ''], {}, /column Date is empty: an event needs its time/],
    [['100000'], {}, /^Line 2, column Date: 100000 does not show .*--time-unit s, ms, us, ns/],
    [['1704067200', '1735689600000'], {}, /^Line 3, .* looks like ms and 1704067200 in line 2 like s: .*--time-unit/],
    [['2024-01-31', '1704067200'], {}, /is a number in a column of written times/],
    [['1.7040672E+12'], {}, /is no time/],
    [['2024-03-10 02:30'], { timeZone: 'America/New_York' }, /does not exist in America\/New_York/],
    [['2024-11-03 01:30'], { timeZone: 'America/New_York' }, /comes twice in America\/New_York/],
    [['2024-01-01'], { timeZone: 'America/Nowhere' }, /--time-zone: there is no time zone/],
    [['1704067200'], { timeZone: 'America/New_York' }, /needs no --time-zone/],
    [['1704067200'], { timeUnit: 's', timeFormat: '%Y' }, /give one of the two/],
    [['2024'], { timeFormat: '%Y' }, /needs the month once/],
    [['2024'], { timeFormat: '%Y-%m-%d %Q' }, /has no %Q/],
    [['2024-31-01'], { timeFormat: '%Y-%m-%d' }, /does not exist/]
  ])('refuses %j with %j', (cells, options, sentence) => {
    expect(refusalOf(cells, options)).toMatch(sentence)
  })

  it('says which digits a timestamp does not keep', () => {
    const column = new TimeColumn('time', 0, {})
    column.note('1700000000123456789', 2)
    expect(column.read('1700000000123456789')).toEqual({ timestamp: '2023-11-14T22:13:20.123456+00:00', finer: '789' })
  })
})
