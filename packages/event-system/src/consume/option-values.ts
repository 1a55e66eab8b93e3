import { type BackoffOptions, DEFAULT_BACKOFF, onlyOptions } from '@tradpal/events'
import { duration, wrong } from '../runtime/index.ts'

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

export function nameOf(option: 'group' | 'consumer', value: string): string {
  if (isName(value)) return value
  throw wrong(option, NAME, value)
}

export function checkedBackoff(backoff: BackoffOptions): BackoffOptions {
  onlyOptions('backoff', backoff, { initialMs: true, maxMs: true })
  const { initialMs = DEFAULT_BACKOFF.initialMs, maxMs = DEFAULT_BACKOFF.maxMs } = backoff
  duration('backoff.maxMs', maxMs, 0)
  duration('backoff.initialMs', initialMs, 0)
  if (initialMs <= maxMs) return { initialMs, maxMs }
  const isDefault = backoff.maxMs === undefined ? ', which is the default' : ''
  throw wrong('backoff.initialMs', `at most backoff.maxMs (${maxMs}${isDefault})`, initialMs)
}
