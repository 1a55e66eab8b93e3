import { EventSystemError } from '@tradpal/events'

/** Throws `invalid_argument` unless `limit` is a whole number of 1 or more. */
export function assertLimit(limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return
  throw new EventSystemError('invalid_argument', `limit is ${limit}: it is a whole number, 1 or more.`)
}

/** Throws `invalid_argument` when a name of a group or a consumer is empty. */
export function assertName(what: 'group' | 'consumer', name: string): void {
  if (name !== '') return
  throw new EventSystemError('invalid_argument', `The name of a ${what} is empty.`)
}
