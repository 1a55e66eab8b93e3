import { type Clock, type ErrorCode, EventSystemError } from '@tradpal/events'
import { gapBehind, type Position, type Storage } from '../log/index.ts'

/** The clocks of a log and of its users may differ by so much, in ms. */
const SKEW_MS = 60_000

/** Where a group begins: not at a time to come, for it would pass over all until then. Throws `code`, and `invalid_message_id` for what is none. */
export function mustHaveCome(from: Position, storage: Storage, clock: Clock, code: ErrorCode): void {
  if (typeof from === 'string') return
  if ('after' in from) storage.log.compare(from.after, from.after)
  else if (from.time > clock.now() + SKEW_MS) {
    const time = new Date(from.time).toISOString()
    throw new EventSystemError(code, `from is ${time}, which is in the future: give 'new' instead.`)
  }
}

/** Where a group that does not exist yet begins: not behind an id of another log, ahead of this one. Throws `invalid_argument`. */
export async function mustNotBeAhead(from: Position, group: string, storage: Storage): Promise<void> {
  if (typeof from === 'string' || !('after' in from)) return
  if (!(await storage.groupNames()).includes(group)) await gapBehind(storage, from.after)
}
