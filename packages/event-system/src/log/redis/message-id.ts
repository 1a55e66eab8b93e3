import { EventSystemError } from '@tradpal/events'
import type { MessageId, Position, ReadRange } from '../port.ts'

const MESSAGE_ID = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/
/** 2^64 - 1: both parts of an id are at most this. */
const LAST_SEQUENCE = '18446744073709551615'
/** No entry stands behind it. */
export const LAST_MESSAGE_ID: MessageId = `${LAST_SEQUENCE}-${LAST_SEQUENCE}`

/** Throws `invalid_message_id` for what is no id of a Redis stream; else returns it. */
export function mustBeMessageId(text: MessageId): MessageId {
  const parts = typeof text === 'string' ? MESSAGE_ID.exec(text) : null
  if (parts !== null && fits(parts[1]) && fits(parts[2])) return text
  throw new EventSystemError(
    'invalid_message_id',
    `${JSON.stringify(text)} is no message id; one looks like 1764057600000-0.`
  )
}

function fits(digits = ''): boolean {
  return digits.length < LAST_SEQUENCE.length || digits <= LAST_SEQUENCE
}

/** When Redis took the entry of an id, ms since the epoch: the first part of the id. */
export function timeOfMessageId(messageId: MessageId): number {
  return Number.parseInt(messageId, 10)
}

/** The id before an entry's: behind it, the entry comes next. */
export function justBefore(messageId: MessageId): MessageId {
  const [ms, sequence] = messageId.split('-') as [string, string]
  // The parts are 64-bit numbers: more than a JavaScript number holds.
  if (sequence !== '0') return `${ms}-${BigInt(sequence) - 1n}`
  return `${BigInt(ms) - 1n}-${LAST_SEQUENCE}`
}

/** The parts are 64-bit numbers without leading zeros: the longer is the larger, and those of one length compare as texts. */
export function compareMessageIds(a: MessageId, b: MessageId): number {
  return compareKnownIds(mustBeMessageId(a), mustBeMessageId(b))
}

/** As {@link compareMessageIds}, of two that are known to be message ids. */
export function compareKnownIds(a: MessageId, b: MessageId): number {
  if (a.length === b.length && a.indexOf('-') === b.indexOf('-')) return a < b ? -1 : a > b ? 1 : 0
  const [msA, sequenceA] = a.split('-') as [string, string]
  const [msB, sequenceB] = b.split('-') as [string, string]
  return compareDigits(msA, msB) || compareDigits(sequenceA, sequenceB)
}

function compareDigits(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}

/** Where XRANGE begins for a position that is not `end`. */
export function rangeStart(from: Exclude<Position, 'end'>): string {
  if (from === 'start') return '-'
  if ('after' in from) return `(${mustBeMessageId(from.after)}`
  return String(mustBeTime(from.time))
}

/** Where XRANGE ends. `undefined` when that is before everything. */
export function rangeEnd(to: ReadRange['to']): string | undefined {
  if (to === undefined) return '+'
  if ('checkpoint' in to) return mustBeMessageId(to.checkpoint)
  return to.time < 0 ? undefined : String(mustBeTime(Math.floor(to.time)))
}

/** The last id that a group at this position has behind it. */
export function deliveredUpTo(at: Position): string {
  if (at === 'start') return '0-0'
  if (at === 'end') return '$'
  if ('after' in at) return mustBeMessageId(at.after)
  const ms = mustBeTime(at.time)
  return ms === 0 ? '0-0' : `${ms - 1}-${LAST_SEQUENCE}`
}

/** The first whole millisecond at or after an instant, as ids can have it. */
function mustBeTime(time: number): number {
  if (typeof time === 'number' && !Number.isNaN(time)) {
    return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.ceil(time)))
  }
  throw new EventSystemError('invalid_argument', `A time must be milliseconds since the epoch, got ${time}.`)
}
