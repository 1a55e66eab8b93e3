import { inspect } from 'node:util'
import { type BackoffOptions, DEFAULT_BACKOFF, EventSystemError } from '@tradpal/events'

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

/** These a path takes for a way to go. */
const STEPS_OF_A_PATH = ['.', '..']

/** Of a group or a consumer: whatever a key, a path and a line of a log can hold. */
export function isName(value: string): boolean {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_NAME) return false
  return !CONTROL.test(value) && !STEPS_OF_A_PATH.includes(value)
}

export const NAME = `1 to ${LONGEST_NAME} characters without control characters, and not . or ..`

/** Refuses what is no object of options, and options of another name: a misspelt one would go unnoticed. */
export function onlyOptions(what: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong(what, `an object with options, of ${names.join(', ')}`, options)
  }
  const unknown = Object.keys(options).filter((name) => !names.includes(name))
  if (unknown.length === 0) return
  throw new EventSystemError('invalid_options', `${what} has no ${unknown.join(', ')}: there are ${names.join(', ')}.`)
}

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
  onlyOptions('backoff', backoff, Object.keys(DEFAULT_BACKOFF))
  const { initialMs = DEFAULT_BACKOFF.initialMs, maxMs = DEFAULT_BACKOFF.maxMs } = backoff
  duration('backoff.maxMs', maxMs, 0)
  duration('backoff.initialMs', initialMs, 0)
  if (initialMs <= maxMs) return { initialMs, maxMs }
  const isDefault = backoff.maxMs === undefined ? ', which is the default' : ''
  throw wrong('backoff.initialMs', `at most backoff.maxMs (${maxMs}${isDefault})`, initialMs)
}

export function choice<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value
  throw wrong(name, `one of ${choices.join(', ')}`, value)
}

export function wrong(name: string, expected: string, value: unknown): EventSystemError {
  return new EventSystemError('invalid_options', `${name} must be ${expected}, got ${shown(value)}.`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'function'
    ? 'a function'
    : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
}
