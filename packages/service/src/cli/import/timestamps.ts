import { EventSystemError, formatTimestamp, normalizeTimestamp } from '@tradpal/events'

const DATE = /^(\d{4})[-/](\d\d)[-/](\d\d)$/
const NAMED_MONTH = /^(?:[A-Za-z]{3,9} \d{1,2},? \d{4}|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{4})$/
const EPOCH = /^(\d{10}|\d{13})$/

/**
 * A timestamp as files of prices have it: RFC 3339, a date alone (midnight UTC), `Jan 31 2000`, or seconds or milliseconds
 * since the epoch. A date such as 01/02/2000 is refused: nobody can tell the day from the month.
 */
export function readTimestamp(text: string): string {
  const [, year, month, day] = DATE.exec(text) ?? []
  try {
    if (year !== undefined) return normalizeTimestamp(`${year}-${month}-${day}T00:00:00Z`)
    if (EPOCH.test(text)) return formatTimestamp(Number(text) * (text.length === 10 ? 1_000 : 1))
    if (NAMED_MONTH.test(text)) return formatTimestamp(Date.parse(`${text} UTC`))
    return normalizeTimestamp(text)
  } catch (cause) {
    const sentence = `The timestamp must be RFC 3339, a date (2000-01-31, Jan 31 2000) or seconds or ms since 1970, got ${JSON.stringify(text)}.`
    throw new EventSystemError('invalid_event', sentence, { cause, pointer: '/timestamp' })
  }
}
