import { EventSystemError } from '@tradpal/events'

/** Throws `invalid_argument` unless `limit` is a whole number of 1 or more. */
export function assertLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return
  throw new EventSystemError('invalid_argument', `limit is ${limit}: it is a whole number, 1 or more.`)
}

/** So much is rewritten in one step: others get their turn between two. */
const MOST_CHANGES = 1_000

/** Throws `invalid_argument` for more changes than one step takes. */
export function assertStep(changes: readonly unknown[]): void {
  if (changes.length <= MOST_CHANGES) return
  const message = `At most ${MOST_CHANGES} texts are rewritten in a call, got ${changes.length}.`
  throw new EventSystemError('invalid_argument', message)
}

/** Throws `invalid_argument` when a name of a group or a consumer is empty. */
export function assertName(what: 'group' | 'consumer', name: string): void {
  if (name !== '') return
  throw new EventSystemError('invalid_argument', `The name of a ${what} is empty.`)
}

/** Throws `invalid_argument` for what is no duration in ms. */
export function assertDuration(name: string, ms: number): void {
  if (typeof ms === 'number' && ms >= 0) return
  throw new EventSystemError('invalid_argument', `${name} is ${ms}: it is a number of milliseconds, 0 or more.`)
}
