import { inspect } from 'node:util'
import { EventSystemError } from '@tradpal/events'

/** The longest time that a timer of Node takes, in ms. */
const LONGEST_MS = 2 ** 31 - 1

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

export function choice<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value
  throw wrong(name, `one of ${choices.join(', ')}`, value)
}

export function wrong(name: string, expected: string, value: unknown): EventSystemError {
  return new EventSystemError('invalid_options', `${name} must be ${expected}, got ${shown(value)}.`)
}

/** Refuses what cannot be a log. `undefined` is that of an option which was left out or misspelt. */
export function mustBeLog(log: unknown): void {
  if (typeof log !== 'object' || log === null) {
    throw wrong('storage', 'a storage, such as new SqliteStorage({ path })', log)
  }
}

/** Of a text that is wrong, a sentence shows this many characters. */
const MAX_SHOWN = 100

/** A value as the sentence of an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)
  return typeof value === 'function'
    ? 'a function'
    : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
}
