import type { DeadLetter, NewDeadLetter } from './dead-letters.ts'
import type { AppendEntry, Entry, MessageId } from './entries.ts'
import type { LedgerEntry } from './ledger.ts'

/** An entry as a group hands it to a consumer. */
export interface Delivery extends Entry {
  /** How many times this entry was handed out in this group, this time included: 1 at first. */
  readonly attempt: number
  /** What the consumer that had it before left for this one: {@link Settlement.outcome}. */
  readonly note?: string
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

/** How the handling of a delivery ended. */
export interface Settlement extends Hold {
  readonly outcome: Outcome
  /** What the handling published. */
  readonly effects?: readonly Effects[]
  /** Written to the group's ledger. */
  readonly remember?: readonly LedgerEntry[]
}

/**
 * `done`: acknowledged. `dead`: acknowledged, and put into the dead letters. `retry`: stays with the consumer, and
 * whoever gets it next gets the note with it, also the one that claims it when this consumer dies.
 */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'dead'; readonly letter: NewDeadLetter }
  | { readonly kind: 'retry'; readonly note: string }

/** Entries that are appended once: the ledger keeps the step, and when it has it already, nothing is appended. Deduplicated by event id, as ever. */
export interface Effects {
  /** The event that was handled. */
  readonly eventId: string
  readonly step: string
  readonly append: readonly AppendEntry[]
}

/** An entry of effects that was not appended: its event id was in the log already, inside the deduplication window. */
export interface RepeatedEffect {
  readonly entry: AppendEntry
  /** The message id of the first entry with this event id. */
  readonly messageId: MessageId
}

export interface Settled {
  readonly kind: 'settled'
  readonly letter?: DeadLetter
  /** Left out where all effects were appended. */
  readonly repeated?: readonly RepeatedEffect[]
}

/** `lost`: the consumer did not hold it any more, and nothing of the settlement took place. */
export type SettlementResult = Settled | { readonly kind: 'lost' }
