import { type BackoffOptions, EventSystemError } from '@tradpal/events'

/** The longest time that a timer of Node takes, in ms. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * A delivery is counted when an entry is handed out, and a process that dies may have handled none of those that it held
 * ready. An event is given up unhandled only after so many times `maxAttempts`: then it is likely what kills.
 */
export const CRASHES_PER_ATTEMPT = 3

const LONGEST_NAME = 200
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/

/** Of a group or a consumer: whatever a key, a path and a line of a log can hold. */
export function isName(value: string): boolean {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME && !CONTROL.test(value)
}

export const NAME = `1 to ${LONGEST_NAME} characters without control characters`

export function nameOf(option: 'group' | 'consumer', value: string): string {
  if (isName(value)) return value
  throw wrong(option, NAME, value)
}

export function wholeNumber(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  const upTo = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`
  throw wrong(name, `a whole number of at least ${least}${upTo}`, value)
}

/** A time in ms. */
export function duration(name: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least && value <= LONGEST_MS) return value
  throw wrong(name, `a number of ms from ${least} to ${LONGEST_MS}`, value)
}

export function checkedBackoff(backoff: BackoffOptions): BackoffOptions {
  if (backoff.initialMs !== undefined) duration('backoff.initialMs', backoff.initialMs, 0)
  if (backoff.maxMs !== undefined) duration('backoff.maxMs', backoff.maxMs, 0)
  return backoff
}

export function choice<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value
  throw wrong(name, `one of ${choices.join(', ')}`, value)
}

function wrong(name: string, expected: string, value: unknown): EventSystemError {
  const got = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return new EventSystemError('invalid_options', `${name} must be ${expected}, got ${got}.`)
}
