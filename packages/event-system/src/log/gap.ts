import { EventSystemError } from '@tradpal/events'
import type { EventLog, MessageId } from './port.ts'

/** What a reader that resumes has missed: the log does not hold all that once stood behind `after`. */
export interface LogGap {
  /** The message id behind which the reader asked to go on. */
  readonly after: MessageId
  /** The first entry that is still there; null when there is none. */
  readonly firstId: MessageId | null
}

/** What a reader is told of a gap: by a call, or by the error `entry_trimmed`, which ends the reading. */
export type OnGap = 'error' | ((gap: LogGap) => void)

/** What stands before the first entry of any log: a reader that asks for it asks for all there is. */
const START = '0-0'

/**
 * The gap behind a message id, when there is one: the id stands before the first entry, so that entries behind it may have been
 * trimmed. Entries that were removed from the middle are no gap. Rejects with `invalid_argument` when the log has not come
 * to the id yet: the id is of another log.
 */
export async function gapBehind(log: EventLog, after: MessageId): Promise<LogGap | undefined> {
  if (after === START) return undefined
  const { firstId, lastIssuedId } = await log.bounds()
  if (lastIssuedId === null || log.compare(after, lastIssuedId) > 0) throw ahead(after, lastIssuedId)
  const isBehind = log.compare(after, firstId ?? lastIssuedId) < 0
  return isBehind ? { after, firstId } : undefined
}

/** Tells a gap behind a message id as asked. Rejects with `entry_trimmed`, and as {@link gapBehind}. */
export async function tellGap(log: EventLog, after: MessageId, onGap: OnGap | undefined): Promise<void> {
  const gap = await gapBehind(log, after)
  if (gap === undefined || onGap === undefined) return
  if (onGap !== 'error') return onGap(gap)
  const there = gap.firstId === null ? 'the log is empty' : `the first entry that is there is ${gap.firstId}`
  throw new EventSystemError('entry_trimmed', `Entries behind ${after} may have been trimmed: ${there}.`)
}

function ahead(after: MessageId, lastId: MessageId | null): EventSystemError {
  const known = lastId === null ? 'which never had an entry' : `whose last is ${lastId}`
  const sentence = `The message id ${after} is ahead of the log, ${known}: it is of another log. Begin at the start, or at a time.`
  return new EventSystemError('invalid_argument', sentence, { pointer: '/after' })
}
