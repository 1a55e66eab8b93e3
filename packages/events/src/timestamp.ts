import { EventSystemError } from './errors.ts'
import { shown } from './json-value.ts'

// What Python before 3.11 reads: `+00:00`, never `Z`, and 3 or 6 fraction digits, no other number of them.
const CANONICAL =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}(?:\d{3})?\+00:00$/
const ANY_FORM = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))?$/
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z')
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** What was written last: of a millisecond of now there are many. */
let last = { ms: Number.NaN, text: '' }

/**
 * An instant as it stands on the wire: `2026-11-23T08:49:10.123+00:00`. Takes milliseconds since the epoch (parts of one
 * are cut off) or a Date. Throws `invalid_argument` for what is no instant of the years 1 to 9999.
 */
export function formatTimestamp(instant: number | Date): string {
  const ms = typeof instant === 'number' ? instant : instant instanceof Date ? instant.getTime() : Number.NaN
  if (ms === last.ms) return last.text
  if (!(ms >= EARLIEST_MS && ms <= LATEST_MS)) {
    throw refused(`An instant must be a Date or milliseconds since 1970, in the years 1 to 9999, got ${shown(instant)}`)
  }
  last = { ms, text: `${new Date(ms).toISOString().slice(0, -1)}+00:00` }
  return last.text
}

/**
 * A timestamp in the one form of the wire: UTC, `+00:00`, 3 fraction digits, or 6 when more than 3 are given; digits
 * beyond the 6th are cut off. Reads every form of RFC 3339; without an offset it means UTC, as Python's
 * `utcnow().isoformat()` does; a leap second is the second after it. Throws `invalid_argument` for anything else.
 */
export function normalizeTimestamp(text: string): string {
  if (typeof text !== 'string') throw refused(`${EXPECTED}, got ${shown(text)}`)
  return isCanonical(text) ? text : rewritten(text)
}

/** Milliseconds since the epoch of a timestamp in any form that {@link normalizeTimestamp} reads. Microseconds are cut off. */
export function timestampMs(text: string): number {
  return Date.parse(normalizeTimestamp(text))
}

const EXPECTED = 'A timestamp must be a text such as 2026-11-23T08:49:10.123+00:00 (RFC 3339)'

function isCanonical(text: string): boolean {
  if (text === last.text) return true
  if (!CANONICAL.test(text) || text.startsWith('0000')) return false
  // Only the last days of a month can be wrong now, so few timestamps pay for this.
  const late = text.charCodeAt(8) > 50 || text.startsWith('29', 8)
  return !late || Number(text.slice(8, 10)) <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7)))
}

function rewritten(text: string): string {
  const match = ANY_FORM.exec(text)
  if (match === null) throw refused(`${EXPECTED}, with a date and a time, got ${shown(text)}`)
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number
  ]
  const [offsetHour, offsetMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  const impossible =
    year < 1 ||
    month < 1 ||
    month > 12 ||
    day < 1 ||
    day > daysIn(year, month) ||
    hour > 23 ||
    minute > 59 ||
    second > 60 ||
    offsetHour > 23 ||
    offsetMinute > 59
  if (impossible) throw refused(`${shown(text)} names a date or a time that does not exist`)

  const offsetMs = (offsetHour * 60 + offsetMinute) * 60_000 * (match[8] === '-' ? -1 : 1)
  const ms = new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000 - offsetMs
  // RFC 3339 section 5.7: a leap second is inserted after 23:59:59 UTC and nowhere else.
  if (second === 60 && ms % 86_400_000 !== 0) throw refused(`${shown(text)} names a second that does not exist`)
  if (ms < EARLIEST_MS || ms > LATEST_MS) throw refused(`${shown(text)} is outside of the years 1 to 9999 in UTC`)
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction(match[7] ?? '')}+00:00`
}

function fraction(digits: string): string {
  return digits.length > 3 ? digits.slice(0, 6).padEnd(6, '0') : digits.padEnd(3, '0')
}

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return (DAYS[month - 1] as number) + (leap ? 1 : 0)
}

function refused(reason: string): EventSystemError {
  return new EventSystemError('invalid_argument', `${reason}.`)
}
