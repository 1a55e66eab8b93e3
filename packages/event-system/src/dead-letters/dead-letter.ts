import type { HandlingError } from '../codec/index.ts'
import type { MessageId } from '../log/index.ts'

/**
 * Why a group gave up: `poison` (the entry is no event), `invalid` (its data do not fit the newest version of its type), `rejected` (a
 * handler said so) or `exhausted` (every attempt failed).
 */
export type DeadLetterKind = 'poison' | 'invalid' | 'rejected' | 'exhausted'

/** The field of `metadata` that names the operator who gave a group an event with other data. `publishedBy` removes it. */
export const AMENDED_BY = 'amended_by'

/** An entry that a group gave up on. */
export interface DeadLetter {
  /** The dead letter's own id, unique in the log. It begins with the group. */
  readonly id: string
  readonly messageId: MessageId
  readonly group: string
  readonly consumer: string
  /** The handler that gave up, by its name. `null` when none saw the entry. */
  readonly handler: string | null
  /** `null` when the entry is no event. */
  readonly eventType: string | null
  /** As the group had it. */
  readonly payload: string | null
  readonly raw?: Readonly<Record<string, string>>
  /** Whether an operator had given the group another payload than the entry has. */
  readonly amended: boolean
  readonly kind: DeadLetterKind
  /** How often the handler was tried. */
  readonly attempts: number
  /** How often an operator had put the entry back before. */
  readonly requeues: number
  readonly firstError: HandlingError
  readonly lastError: HandlingError
  /** The same for dead letters of one cause: of their group, event type, class of error and place in the code. */
  readonly fingerprint: string
  /** How far the handlers are: given back to the group with the entry. */
  readonly note?: string
  /** When it was put here, ms since the epoch. */
  readonly deadAt: number
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
export interface DeadLetterCause {
  readonly group: string
  readonly fingerprint: string
  readonly count: number
  /** The oldest of them. */
  readonly oldest: DeadLetter
}

/** Who does something to a dead letter, for the record. */
export interface Operator {
  /** A name: of a person, or of the program. */
  readonly by: string
}

/** What an operator did to a dead letter. */
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
  /** The dead letter as it was. */
  readonly letter: DeadLetter
}
