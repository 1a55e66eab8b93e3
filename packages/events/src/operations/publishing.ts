/** The result of a publish. */
export interface PublishReceipt {
  /** `published`: it is in the log. `spooled`: the log did not take it in time; it is on the disk of the machine that publishes, and comes into the log, in order and once, when that is there again. */
  readonly status: 'published' | 'spooled'
  /** Of a spooled event `spool:` and its id there, which no log knows. */
  readonly messageId: string
  readonly eventId: string
  /** True when this event id was published before, inside the deduplication window: the message id is the first one's. */
  readonly duplicate: boolean
  /** With a `streamKey`: the version of the key since this event, to be expected by the next. Of a duplicate the one that it was given when it was published; none when it had no key then. */
  readonly version?: number
  /** Its timestamp is more than five minutes ahead of the publisher's clock. */
  readonly timestampAhead?: true
}
