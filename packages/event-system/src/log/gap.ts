import { EventSystemError } from '@tradpal/events'
import type { Checkpoint, Storage } from './port.ts'

/** What a reader that resumes has missed: the log does not hold all that once stood behind `after`. */
export interface LogGap {
  /** The position from which the reader asked to go on. */
  readonly after: Checkpoint
  /** The beginning of the log now; null when it has no entry. In a log with a total order it is the id of the first entry. */
  readonly firstId: Checkpoint | null
}

/** What a reader is told of a gap: by a call, or by the error `entry_trimmed`, which ends the reading. */
export type OnGap = 'error' | ((gap: LogGap) => void)

/** What stands before the first entry of any log: a reader that asks for it asks for all there is. */
const START = '0-0'

/**
 * The gap behind a position, when there is one: the log begins behind it, so that entries in between may have been
 * trimmed. Entries that were removed from the middle are no gap. Rejects with `invalid_argument` when the log has not come
 * to the position yet: it is of another log.
 */
export async function gapBehind({ log }: Pick<Storage, 'log'>, after: Checkpoint): Promise<LogGap | undefined> {
  if (after === START) return undefined
  const { first, last } = await log.bounds()
  // In a log with several partitions a position may be ahead in one of them, and behind in another.
  if (last === null || (log.compare(after, last) ?? 1) > 0) throw ahead(after, last)
  const isBehind = (log.compare(after, first ?? last) ?? -1) < 0
  return isBehind ? { after, firstId: first } : undefined
}

/** Tells a gap behind a position as asked. Rejects with `entry_trimmed`, and as {@link gapBehind}. */
export async function tellGap(
  storage: Pick<Storage, 'log'>,
  after: Checkpoint,
  onGap: OnGap | undefined
): Promise<void> {
  const gap = await gapBehind(storage, after)
  if (gap === undefined || onGap === undefined) return
  if (onGap !== 'error') return onGap(gap)
  const there = gap.firstId === null ? 'the log is empty' : `the first entry that is there is ${gap.firstId}`
  throw new EventSystemError('entry_trimmed', `Entries behind ${after} may have been trimmed: ${there}.`)
}

function ahead(after: Checkpoint, last: Checkpoint | null): EventSystemError {
  const known = last === null ? 'which never had an entry' : `whose last is ${last}`
  const sentence = `The message id ${after} is ahead of the log, ${known}: it is of another log. Begin at the start, or at a time.`
  return new EventSystemError('invalid_argument', sentence, { pointer: '/after' })
}
