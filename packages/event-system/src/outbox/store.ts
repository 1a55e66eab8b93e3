import type { Event } from '@tradpal/events'

/** An event that was committed and is not published yet. */
export interface WaitingEvent {
  /** Its place in the table, a whole number as text. It grows in the order of the inserts. */
  readonly id: string
  /** The event as it was checked and encoded when it was enqueued. */
  readonly payload: string
}

/** Why an event cannot be published. */
export interface Refusal {
  /** The code of the `EventSystemError`; null for an error of another kind. */
  readonly code: string | null
  readonly message: string
  /** When it was set aside, ms since the epoch. */
  readonly at: number
}

/** An event that was refused for good, kept in the table for a person to look at. */
export interface SetAsideEvent extends WaitingEvent {
  readonly eventId: string
  readonly eventType: string
  readonly refusal: Refusal
}

/** Who relays. One row for each table. */
export interface LeaseRow {
  /** Empty when nobody does. */
  readonly holder: string
  /** Grows with each change of the row: a holder that lives changes it again and again. */
  readonly beat: number
  /** For how long the holder counts as alive after each of its changes, in ms. */
  readonly leaseMs: number
}

/** How a table stands. */
export interface Standing {
  readonly waiting: number
  /** When the oldest of the waiting was enqueued, ms since the epoch; null when none waits. */
  readonly oldestAt: number | null
  readonly setAside: number
}

/**
 * Where an outbox keeps its rows. `Transaction` is what the caller's transaction runs on, `Written` what an insert gives.
 * What the database itself refuses is thrown as its driver throws it, so that a caller can tell a conflict from a fault.
 */
export interface OutboxStore<Transaction, Written> {
  /** Makes the tables that are not there. Idempotent, also when several processes do it at once. */
  createTable(): Promise<void>
  /** Checks the event as publishing does, and writes it as a part of the caller's transaction, stamped with `now`. */
  insert(transaction: Transaction, event: Event, now: number): Written
  /** The first of the events that were committed and are not set aside, by id. */
  waiting(limit: number): Promise<WaitingEvent[]>
  remove(ids: readonly string[]): Promise<void>
  setAside(id: string, refusal: Refusal): Promise<void>
  setAsideEvents(limit: number): Promise<SetAsideEvent[]>
  /** Lets these, or all that were set aside, wait again at their old place. Resolves to how many. */
  retry(ids?: readonly string[]): Promise<number>
  standing(): Promise<Standing>
  lease(): Promise<LeaseRow | undefined>
  /** Writes a new holder if the row is still at `beat`, 0 for one that is not there. Resolves to the new beat, or to undefined when another was faster. */
  moveLease(beat: number, holder: string, leaseMs: number): Promise<number | undefined>
}
