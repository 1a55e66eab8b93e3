/** One failure of an event's handling. */
export interface HandlingError {
  readonly message: string
  readonly stack?: string
  /** JSON pointer (RFC 6901), from the root of the event, of the value that is wrong: of an event that is `invalid`. */
  readonly pointer?: string
  /** When, ms since the epoch. */
  readonly at: number
}

/**
 * Why a group gave up: `poison` (the entry is no event), `invalid` (its data do not fit the newest version of its type), `rejected` (a
 * handler said so) or `exhausted` (every attempt failed).
 */
export type DeadLetterKind = 'poison' | 'invalid' | 'rejected' | 'exhausted'

/** An entry that a consumer group gave up on. */
export interface DeadLetter {
  /** The dead letter's own id, unique in the log. It begins with the group. */
  readonly id: string
  readonly messageId: string
  readonly group: string
  readonly consumer: string
  /** The handler that gave up, by its name. `null` when none saw the entry. */
  readonly handler: string | null
  /** `null` when the entry is no event. */
  readonly eventType: string | null
  /** The entry's text as the group had it. `null` when it has none. */
  readonly payload: string | null
  /** With a `null` payload: what the entry holds instead. */
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
  /** When it was put here, ms since the epoch. */
  readonly deadAt: number
}

/** The dead letters of one group that have the same fingerprint. */
export interface DeadLetterCause<Letter = DeadLetter> {
  readonly group: string
  readonly fingerprint: string
  readonly count: number
  /** The oldest of them. */
  readonly oldest: Letter
}

/** An action of an operator on a dead letter. */
export interface DeadLetterAction<Letter = DeadLetter> {
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
  readonly letter: Letter
}

/** With the same filter and options, over them, the next call goes on with the dead letters that remain. */
export interface RequeueNext {
  /** Of the filter, ms since the epoch: dead letters that came later are left out. */
  readonly until: number
  /** Of the options. */
  readonly expected: number
  readonly after?: string
}
