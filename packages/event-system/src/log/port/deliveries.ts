import type { Entry, MessageId } from './entries.ts'

/** An entry as a group hands it to a consumer. */
export interface Delivery extends Entry {
  /** How many times this entry was handed out in this group, this time included: 1 at first. */
  readonly attempt: number
  /** A text that the group keeps with the entry while it is pending. Units set it. */
  readonly attachment?: string
}

/**
 * What a consumer shows to have an entry settled: the attempt is that of the delivery that it got. When another consumer
 * has got the entry since, or the same one has got it anew, or the group was dropped, the hold is lost for good.
 */
export interface Hold {
  readonly messageId: MessageId
  readonly attempt: number
}
