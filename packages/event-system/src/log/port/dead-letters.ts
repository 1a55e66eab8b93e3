import type { MessageId } from './entries.ts'

/** One failure of an event's handling. */
export interface HandlingError {
  readonly message: string
  readonly stack?: string
  /** JSON pointer (RFC 6901), from the root of the event, of the value that is wrong: of an event that is `invalid`. */
  readonly pointer?: string
  /** When, ms since the epoch. */
  readonly at: number
}

/** An entry that a group gave up on. */
export interface DeadLetter {
  /** The letter's own id, unique in the log. Letters are listed in the order of their ids. */
  readonly id: string
  readonly messageId: MessageId
  readonly group: string
  readonly consumer: string
  /** The handler that gave up, by its name. `null` when none saw the entry. */
  readonly handler: string | null
  /** `null` when the entry is no event. */
  readonly eventType: string | null
  readonly payload: string | null
  readonly raw?: Readonly<Record<string, string>>
  /**
   * Why: `poison` (the entry is no event), `invalid` (its data do not fit the newest version of its type), `rejected` (a
   * handler said so) or `exhausted` (every attempt failed).
   */
  readonly kind: 'poison' | 'invalid' | 'rejected' | 'exhausted'
  /** How often the handler was tried. */
  readonly attempts: number
  readonly firstError: HandlingError
  readonly lastError: HandlingError
  /** Given back to the group with the entry when it is requeued, as the {@link Delivery.note} of the next delivery. */
  readonly note?: string
  /** When it was put here, ms since the epoch. */
  readonly deadAt: number
}

export type NewDeadLetter = Omit<DeadLetter, 'id' | 'messageId' | 'group' | 'deadAt'>

/** Every condition that is given must hold. */
export interface DeadLetterFilter {
  readonly group?: string
  readonly eventType?: string
  readonly handler?: string
  readonly kind?: DeadLetter['kind']
  /** Put here at or after this instant, ms since the epoch. */
  readonly since?: number
  /** Put here at or before this instant, ms since the epoch. */
  readonly until?: number
}

/** Who does something to a letter, for the record. */
export interface Operator {
  /** A name: of a person, or of the program. */
  readonly by: string
}

/** What an operator did to a letter. */
export interface DeadLetterAction {
  /** The record's own id, unique in the log. */
  readonly id: string
  /** When, ms since the epoch. */
  readonly at: number
  readonly action: 'requeue' | 'discard'
  readonly by: string
  /** Why it was discarded. */
  readonly reason?: string
  /** True when the event was requeued with another payload than it had. */
  readonly amended: boolean
  /** The letter as it was. */
  readonly letter: DeadLetter
}

/** The entries that groups gave up on, oldest first, and what operators did to them. */
export interface DeadLetters {
  /** A page of at most `limit` letters that match, behind the letter `after`. A page shorter than `limit` is the last. */
  list(page: DeadLetterFilter & { readonly after?: string; readonly limit: number }): Promise<DeadLetter[]>
  /** How many letters match. */
  count(filter: DeadLetterFilter): Promise<number>
  get(id: string): Promise<DeadLetter | undefined>
  /**
   * Puts the entry back to the group that failed, to nobody else, as if never handed out, removes the letter and records
   * the action, in one atomic step: the next of the group to claim gets it, with attempt 1 and the letter's note. With
   * `payload`, this group gets that text instead of the entry's, until it has acknowledged it; the log keeps what it has.
   * Rejects with `not_found` when there is no such letter, or its group is gone, and with `entry_trimmed` when the entry
   * has left the log; both keep the letter.
   */
  requeue(id: string, options: Operator & { readonly payload?: string }): Promise<void>
  /** Removes the letter for good and records the action, in one atomic step. Rejects with `not_found`. */
  discard(id: string, options: Operator & { readonly reason: string }): Promise<void>
  /** A page of the record of what operators did, oldest first, behind the record `after`. Never trimmed by `list` or `discard`. */
  actions(page: { readonly after?: string; readonly limit: number }): Promise<DeadLetterAction[]>
  /**
   * Writes into letters the texts that `change` makes of those that they have, as when they are encrypted anew: the payload, the
   * errors and the note, and nothing else. At most 1,000 letters in a call, each in one atomic step: `change` is asked again
   * when somebody changed its letter meanwhile. Resolves to how many were written; those are left out that `change` leaves
   * as they are, and that are gone.
   */
  rewrite(ids: readonly string[], change: (letter: DeadLetter) => DeadLetter): Promise<number>
  /** As {@link rewrite}, into the records of what operators did: the reason, and the letter's texts. */
  rewriteActions(ids: readonly string[], change: (action: DeadLetterAction) => DeadLetterAction): Promise<number>
}
