import { EventSystemError } from '@tradpal/events'
import { mustBeName } from './arguments.ts'

/** The consumer that holds what nobody holds, released or requeued, until a member of the group claims it. */
export const NOBODY = '(requeued)'
/** The consumer that holds what was released with a delay, until it is due. */
export const WAITING = '(delayed)'

const SHARD = /^\(shard-(0|[1-9]\d*)\)$/

/** The consumer whose pending list is that of a shard, whichever member has it. */
export function shardHolder(shard: number): string {
  return `(shard-${shard})`
}

/** Which shard's a consumer is; `undefined` for any other. */
export function shardOfHolder(consumer: string): number | undefined {
  const digits = SHARD.exec(consumer)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

export function isNobody(consumer: string): boolean {
  return consumer === NOBODY || consumer === WAITING
}

/** Throws `invalid_argument` for a name that no consumer may have. */
export function mustBeConsumer(name: string): void {
  mustBeName('consumer', name)
  if (!isNobody(name) && shardOfHolder(name) === undefined) return
  throw new EventSystemError(
    'invalid_argument',
    `${name} is a name that the log itself uses for consumers; take another.`
  )
}
