import { EventSystemError } from '@tradpal/events'
import type { ReadRange, TrimTarget } from '../port.ts'

/** Throws `invalid_argument` unless `limit` is a whole number of 1 or more. */
export function mustBeLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return
  throw new EventSystemError('invalid_argument', `limit must be a whole number of at least 1, got ${limit}.`)
}

/** Throws `unsupported` for the order of event times, in a log without an index. */
export function mustBeLogTime(time: ReadRange['time']): void {
  if (time !== 'event') return
  const message =
    'The log in Redis has no index, so it cannot be read in the order of event times: set EVENT_INDEX=on (index in the library), or read it in log order.'
  throw new EventSystemError('unsupported', message)
}

/** Throws `invalid_argument` when the name of a group or a consumer is empty. */
export function mustBeName(what: 'group' | 'consumer', name: string): void {
  if (name !== '') return
  throw new EventSystemError('invalid_argument', `The name of a ${what} must not be empty.`)
}

/** Throws `invalid_argument` when a text that must say something is empty. */
export function mustBeSaid(what: string, text: string): string {
  if (text !== '') return text
  throw new EventSystemError('invalid_argument', `${what} must not be empty.`)
}

/** The longest duration that is told to Redis, in ms: ten years. */
const LONGEST_MS = 315_360_000_000

/** A duration as Redis takes it, a whole number of ms. Throws `invalid_argument` for what is none. */
export function durationText(name: string, ms: number): string {
  if (typeof ms === 'number' && ms >= 0) return String(Math.min(LONGEST_MS, Math.ceil(ms)))
  throw new EventSystemError('invalid_argument', `${name} must be a number of milliseconds of at least 0, got ${ms}.`)
}

/** Throws `invalid_argument` unless a trim has exactly one target, a number of 0 or more. */
export function mustBeTrimTarget(target: TrimTarget): void {
  const [first, ...others] = Object.entries(target)
  if (first === undefined || others.length > 0 || !['maxLength', 'before', 'maxBytes'].includes(first[0])) {
    throw new EventSystemError('invalid_argument', 'A trim takes exactly one of maxLength, before and maxBytes.')
  }
  const [name, value] = first
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new EventSystemError('invalid_argument', `${name} must be a whole number of at least 0, got ${value}.`)
}
