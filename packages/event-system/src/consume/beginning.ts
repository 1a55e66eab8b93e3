import { type Clock, type ErrorCode, EventSystemError } from '@tradpal/events'
import { type EventLog, gapBehind, type Position } from '../log/index.ts'

/** The clocks of a log and of its users may differ by so much, in ms. */
const SKEW_MS = 60_000

/** Where a group begins: not at a time to come, for it would pass over all until then. Throws `code`, and `invalid_message_id` for what is none. */
export function mustHaveCome(from: Position, log: EventLog, clock: Clock, code: ErrorCode): void {
  if (typeof from === 'string') return
  if ('after' in from) log.compare(from.after, from.after)
  else if (from.time > clock.now() + SKEW_MS) {
    const time = new Date(from.time).toISOString()
    throw new EventSystemError(code, `from is ${time}, which is in the future: give 'new' instead.`)
  }
}

/** Where a group that does not exist yet begins: not behind an id of another log, ahead of this one. Throws `invalid_argument`. */
export async function mustNotBeAhead(from: Position, group: string, log: EventLog): Promise<void> {
  if (typeof from === 'string' || !('after' in from)) return
  if (!(await log.groupNames()).includes(group)) await gapBehind(log, from.after)
}
