import type { PublishReceipt } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../log/index.ts'
import type { Outcome } from './parcel.ts'

/** What became of each entry of a parcel. */
export function receiptsOf(entries: readonly AppendEntry[], outcome: Outcome): PublishReceipt[] {
  return entries.map(({ eventId }, i) => {
    if (outcome.kind === 'spooled') {
      return { status: 'spooled', messageId: outcome.spoolId, eventId, duplicate: outcome.duplicate }
    }
    const { messageId, duplicate, version } = outcome.results[outcome.at + i] as AppendResult
    return version === undefined
      ? { status: 'published', messageId, eventId, duplicate }
      : { status: 'published', messageId, eventId, duplicate, version }
  })
}
