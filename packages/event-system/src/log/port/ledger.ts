/** What a group remembers of one step of an event's handling. */
export interface LedgerEntry {
  readonly eventId: string
  /** What was done: unique for the event within its group. */
  readonly step: string
  /** What came of it, as text. `null`: the step has begun, and nobody has said how it ended. */
  readonly value: string | null
  /** Of the event, to whose customer the value belongs as well. It is for who seals the value, and not kept. */
  readonly payload?: string | null
}

/**
 * What a group remembers of the events that it handled, beside their acknowledgement: each entry for at least the log's
 * `ledgerRetentionMs`, and for at most twice as long. It outlives the group: one that is made anew under the same name
 * finds it.
 */
export interface Ledger {
  /** All that is remembered of these events, in no particular order. */
  read(eventIds: readonly string[]): Promise<LedgerEntry[]>
  /** Writes that a step begins, unless the ledger has it. Resolves to what it had: of two that begin the same step, one gets `undefined`. */
  begin(eventId: string, step: string): Promise<LedgerEntry | undefined>
  /** Writes entries, over what the ledger has of their steps. */
  write(entries: readonly LedgerEntry[]): Promise<void>
  /** Forgets a step. Resolves to whether there was one. */
  forget(eventId: string, step: string): Promise<boolean>
}
