import { EventSystemError, normalizeTimestamp } from '@tradpal/events'
import { readClearTime, readCompactTime, timeFormat, type WrittenTime } from './time-formats.ts'
import { TimeZone } from './time-zone.ts'

export const TIME_UNITS = ['s', 'ms', 'us', 'ns'] as const
export type TimeUnit = (typeof TIME_UNITS)[number]

/** How many digits of a fraction of a second a unit is. */
const DIGITS: Readonly<Record<TimeUnit, number>> = { s: 0, ms: 3, us: 6, ns: 9 }
const UNIT_NAMES: Readonly<Record<TimeUnit, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds'
}
export const EPOCH = /^(-?)(\d+)(?:\.(\d+))?$/
/** A count since 1970 of this many seconds lies in the years 1980 to 2100: it says its unit by its size. */
const CLEAR_SECONDS = [315_532_800, 4_133_980_800] as const
/** An event's timestamp has microseconds. */
const KEPT_DIGITS = 6

/** An instant that a cell says. */
export interface ReadTime {
  /** As an event has it. */
  readonly timestamp: string
  /** The digits behind the microseconds, which a timestamp does not keep. Empty where there are none but zeros. */
  readonly finer: string
}

/** Reads the cells of one column. Throws a RangeError that says what is wrong: the end of a sentence that begins with the cell. */
export type TimeReader = (text: string) => ReadTime

export interface TimeOptions {
  readonly timeUnit?: TimeUnit
  readonly timeFormat?: string
  readonly timeZone?: string
}

/** How the times of a column are read, as a plan names it. */
export interface TimeReading {
  readonly description: string
  readonly read: TimeReader
}

/** The reader that the options name by themselves; undefined where the column must tell. Throws `invalid_options`. */
export function readingOfOptions({ timeUnit, timeFormat: format, timeZone }: TimeOptions): TimeReading | undefined {
  const zone = timeZone === undefined ? undefined : new TimeZone(timeZone)
  if (timeUnit !== undefined) {
    const other = format === undefined ? zone && '--time-zone' : '--time-format'
    if (other !== undefined) {
      const sentence = `--time-unit is for times counted since 1970, and ${other} for written ones: give one of the two.`
      throw new EventSystemError('invalid_options', sentence)
    }
    return epochReading(timeUnit)
  }
  if (format === undefined) return undefined
  const read = compiled(format)
  const expected = `is no time of --time-format ${format}`
  return { description: described(format, zone), read: (text) => instantOf(read(text), expected, zone) }
}

/** The reader of written times that are clear by themselves. */
export function writtenReading({ timeZone }: TimeOptions): TimeReading {
  const zone = timeZone === undefined ? undefined : new TimeZone(timeZone)
  return {
    description: described('date and time as text', zone),
    read: (text) => instantOf(readClearTime(text), whatIsWrong(text), zone)
  }
}

/** The reader of counts since 1970. */
export function epochReading(unit: TimeUnit): TimeReading {
  return { description: `${UNIT_NAMES[unit]} since 1970`, read: (text) => epochOf(text, unit) }
}

/** The unit that a count says by its size; undefined for one of another size. */
export function clearUnitOf(text: string): TimeUnit | undefined {
  const size = Math.abs(Number(text))
  const [from, to] = CLEAR_SECONDS
  return TIME_UNITS.find((unit) => size >= from * 10 ** DIGITS[unit] && size < to * 10 ** DIGITS[unit])
}

/** Whether digits are a date and perhaps a time of the years 1900 to 2099, such as `20240131`. No clear count since 1970 looks so. */
export function isCompactTime(text: string): boolean {
  return (
    /^(?:19|20)\d{6}(?:\d{4}|\d{6}|\d{9,})?$/.test(text) &&
    clearUnitOf(text) === undefined &&
    readCompactTime(text) !== undefined
  )
}

function compiled(format: string): ReturnType<typeof timeFormat> {
  try {
    return timeFormat(format)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const sentence = `--time-format ${format} cannot be used: ${error.message}. It is as in %m/%d/%Y %H:%M:%S.`
    throw new EventSystemError('invalid_options', sentence)
  }
}

function described(what: string, zone: TimeZone | undefined): string {
  return `${what}, in ${zone?.name ?? 'UTC'} where it has no offset`
}

function whatIsWrong(text: string): string {
  if (/^\d{1,2}([/.-])\d{1,2}\1\d{2,4}\b/.test(text)) {
    return 'does not say which is the month: give --time-format, such as %m/%d/%Y or %d/%m/%Y'
  }
  if (EPOCH.test(text)) return 'is a number in a column of written times: give --time-unit or --time-format'
  return 'is no time such as 2024-01-31, 2024-01-31 09:30:00, 20240131 or Jan 31 2024: for another form give --time-format'
}

function instantOf(written: WrittenTime | undefined, expected: string, zone: TimeZone | undefined): ReadTime {
  if (written === undefined) throw new RangeError(expected)
  const { year, month, day, hour, minute, second, fraction } = written
  const date = `${year}-${month}-${day}`
  const time = `${hour}:${minute}:${second}`
  const canonical = (offset: string) => normalized(`${date}T${time}.${fraction || '0'}${offset}`)
  // Whether the day and the time exist is checked before a zone is asked.
  const timestamp = canonical(written.offset ?? '+00:00')
  const { offset = zone?.offsetAt(date, time) } = written
  return { timestamp: offset === undefined ? timestamp : canonical(offset), finer: finerDigits(fraction) }
}

function epochOf(text: string, unit: TimeUnit): ReadTime {
  const [, sign, integer, decimals = ''] = EPOCH.exec(text) ?? []
  if (integer === undefined) throw new RangeError(`is no number of ${UNIT_NAMES[unit]} since 1970`)
  const digits = integer.padStart(DIGITS[unit] + 1, '0')
  const point = digits.length - DIGITS[unit]
  const fraction = `${digits.slice(point)}${decimals}`
  const finer = finerDigits(fraction)
  const micros = BigInt(`${digits.slice(0, point)}${fraction.slice(0, KEPT_DIGITS).padEnd(KEPT_DIGITS, '0')}`)
  // Digits are cut off towards the past, before 1970 too.
  const instant = sign === '-' ? -micros - (finer === '' ? 0n : 1n) : micros
  const rest = ((instant % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = Number((instant - rest) / 1_000_000n)
  const date = new Date(seconds * 1_000)
  const year = Number.isNaN(date.getTime()) ? 0 : date.getUTCFullYear()
  if (year < 1 || year > 9999)
    throw new RangeError(`is no number of ${UNIT_NAMES[unit]} in the years 1 to 9999: give --time-unit`)
  const micro = String(rest).padStart(KEPT_DIGITS, '0')
  return { timestamp: normalized(`${date.toISOString().slice(0, 19)}.${micro.replace(/000$/, '')}+00:00`), finer }
}

function finerDigits(fraction: string): string {
  return fraction.slice(KEPT_DIGITS).replace(/0+$/, '')
}

function normalized(text: string): string {
  try {
    return normalizeTimestamp(text)
  } catch (error) {
    if (!(error instanceof EventSystemError)) throw error
    throw new RangeError('names a date or a time that does not exist')
  }
}
