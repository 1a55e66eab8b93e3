import type { AppendEntry, MessageId } from '../log/index.ts'

/** What became of a publish. */
export interface PublishReceipt {
  /** `published`: it is in the log. `spooled`: the log did not take it in time; it is on the disk of this machine, and comes into the log, in order and once, when that is there again. */
  readonly status: 'published' | 'spooled'
  /** Of a spooled event `spool:` and its id there, which no log knows. */
  readonly messageId: MessageId
  readonly eventId: string
  /** True when this event id was published before, inside the deduplication window: the message id is the first one's. */
  readonly duplicate: boolean
}

export function spooledReceipt(
  { spoolId, duplicate }: { readonly spoolId: string; readonly duplicate: boolean },
  { eventId }: AppendEntry
): PublishReceipt {
  return { status: 'spooled', messageId: spoolId, eventId, duplicate }
}
