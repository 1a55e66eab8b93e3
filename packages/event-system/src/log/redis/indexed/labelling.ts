import { EventSystemError } from '@tradpal/events'
import type { Entry, EntryLabel } from '../../port.ts'
import { timeOfMessageId } from '../message-id.ts'
import type { IndexOptions } from './options.ts'
import { type Posting, postingOf } from './postings.ts'

/** An event that happened more ms before or behind its id is late: it stands in no segment where it would be looked for by its time. */
const PROMPT_MS = 1_000

/** The labels of entries, one for each. Throws `log_failed` when there are more or fewer. */
export async function labelled(
  labelsOf: IndexOptions['labelsOf'],
  entries: readonly Entry[]
): Promise<readonly (EntryLabel | undefined)[]> {
  if (entries.length === 0) return []
  const labels = await labelsOf(entries)
  if (labels.length === entries.length) return labels
  throw new EventSystemError('log_failed', `labelsOf gave ${labels.length} labels for ${entries.length} entries.`)
}

/** As the index has an entry with a label. */
export function labelledPosting({ messageId }: Entry, { eventTime }: EntryLabel): Posting {
  return postingOf(messageId, eventTime ?? Math.min(timeOfMessageId(messageId), Number.MAX_SAFE_INTEGER))
}

export function isLate({ ms, eventTime }: Posting): boolean {
  return Math.abs(ms - eventTime) > PROMPT_MS
}
