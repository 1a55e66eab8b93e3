import type { Appender } from './appender.ts'
import type { Connection } from './connection.ts'
import type { SqliteDeadLetters } from './dead-letters.ts'
import type { SqliteLedger } from './ledger.ts'
import type { Reader } from './reader.ts'
import type { Tide } from './tide.ts'

/** What a group needs of the log that it belongs to. */
export interface GroupSurroundings {
  readonly connection: Connection
  readonly reader: Reader
  readonly appender: Appender
  readonly tide: Tide
  readonly deadLetters: SqliteDeadLetters
  /** Aborted when the log is closed. */
  readonly closing: AbortSignal
}

/** What belongs to the group itself, beside. */
export interface GroupParts extends GroupSurroundings {
  readonly ledger: SqliteLedger
}
