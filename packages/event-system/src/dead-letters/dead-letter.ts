import type {
  DeadLetterAction as Action,
  DeadLetterCause as Cause,
  DeadLetterKind,
  DeadLetter as LetterOfAGroup
} from '@tradpal/events'

/** The field of `metadata` that names the operator who gave a group an event with other data. `publishedBy` removes it. */
export const AMENDED_BY = 'amended_by'

/** An entry that a group gave up on, as the log keeps it. */
export interface DeadLetter extends LetterOfAGroup {
  /** How far the handlers are: given back to the group with the entry. */
  readonly note?: string
}

export type NewDeadLetter = Omit<DeadLetter, 'id' | 'fingerprint' | 'deadAt'>

/** Every condition that is given must hold. */
export interface DeadLetterFilter {
  readonly group?: string
  readonly eventType?: string
  readonly handler?: string
  readonly kind?: DeadLetterKind
  readonly fingerprint?: string
  /** Put here at or after this instant, ms since the epoch. */
  readonly since?: number
  /** Put here at or before this instant, ms since the epoch. */
  readonly until?: number
}

/** The dead letters of one group that have the same fingerprint. */
export type DeadLetterCause = Cause<DeadLetter>

/** Who does something to a dead letter, for the record. */
export interface Operator {
  /** A name: of a person, or of the program. */
  readonly by: string
}

/** An action of an operator on a dead letter. */
export type DeadLetterAction = Action<DeadLetter>
