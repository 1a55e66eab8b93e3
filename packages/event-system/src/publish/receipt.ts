import type { AppendEntry, AppendResult, MessageId } from '../log/index.ts'
import type { Outcome } from './parcel.ts'

/** What became of a publish. */
export interface PublishReceipt {
  /** `published`: it is in the log. `spooled`: the log did not take it in time; it is on the disk of this machine, and comes into the log, in order and once, when that is there again. */
  readonly status: 'published' | 'spooled'
  /** Of a spooled event `spool:` and its id there, which no log knows. */
  readonly messageId: MessageId
  readonly eventId: string
  /** True when this event id was published before, inside the deduplication window: the message id is the first one's. */
  readonly duplicate: boolean
  /** With a `streamKey`: the version of the key since this event, to be expected by the next. Of a duplicate the one that it was given when it was published; none when it had no key then. */
  readonly version?: number
  /** Its timestamp is more than five minutes ahead of the publisher's clock. */
  readonly timestampAhead?: true
}

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
