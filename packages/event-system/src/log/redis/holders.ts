import { EventSystemError } from '@tradpal/events'
import { mustBeName } from './arguments.ts'

/** The consumer that holds what nobody holds, released or requeued, until a member of the group claims it. */
export const NOBODY = '(requeued)'
/** The consumer that holds what was released with a delay, until it is due. */
export const WAITING = '(delayed)'

export function isNobody(consumer: string): boolean {
  return consumer === NOBODY || consumer === WAITING
}

/** Throws `invalid_argument` for a name that no consumer may have. */
export function mustBeConsumer(name: string): void {
  mustBeName('consumer', name)
  if (!isNobody(name)) return
  throw new EventSystemError(
    'invalid_argument',
    `${name} is a name that the log itself uses for consumers; take another.`
  )
}
