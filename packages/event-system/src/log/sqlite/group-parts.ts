import type { Connection } from './connection.ts'
import type { Reader } from './reader.ts'
import type { Tide } from './tide.ts'

/** What a group needs of the log that it belongs to. */
export interface GroupParts {
  readonly connection: Connection
  readonly reader: Reader
  readonly tide: Tide
  /** Aborted when the log is closed. */
  readonly closing: AbortSignal
}
