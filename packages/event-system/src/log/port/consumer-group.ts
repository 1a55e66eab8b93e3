import type { Checkpoint, Position } from './entries.ts'

export interface ConsumerInfo {
  readonly name: string
  readonly pending: number
  /** Since it last read, claimed or renewed, in ms. */
  readonly idleMs: number
  /** The partitions that it owns. Empty where a group shares entry by entry. */
  readonly partitions: readonly number[]
}

export interface GroupInfo {
  readonly name: string
  /** The number of partitions into which it is cut by key; `null` when it shares entry by entry. */
  readonly partitions: number | null
  readonly consumers: readonly ConsumerInfo[]
  /** Handed out and not yet acknowledged. */
  readonly pending: number
  /** Of those pending, how many have an attachment: they have failed or were put back, and wait to be tried again. */
  readonly retrying: number
  /** Since the oldest pending entry was appended, in ms. `null` with none. */
  readonly oldestPendingMs: number | null
  /** The position of the newest delivery. */
  readonly lastDelivered: Checkpoint
  /**
   * Everything up to here is acknowledged: just before the oldest pending entry, or the last entry that was delivered. It need not be the
   * id of an entry. In a partitioned group it is where the last partition stands, and entries that were requeued may stand before it.
   */
  readonly acknowledgedTo: Checkpoint
  /** Entries not yet handed out. `null` where the log cannot tell without reading them all. */
  readonly lag: number | null
  /** Since the oldest entry that was not yet handed out was appended, in ms. 0 with none. */
  readonly lagMs: number
}

/**
 * Consumers that share the entries of a log: what both kinds of group have. Without the group, every call but `create` and
 * `destroy` rejects with `not_found`.
 */
export interface ConsumerGroup {
  readonly name: string
  /**
   * Creates the group at a position. A position beyond the newest entry counts as `end`: a log that has lost its end takes ids up to the
   * position once more, and those are new. Resolves to false, and changes nothing, when it exists.
   */
  create(at: Position): Promise<boolean>
  /** Drops the group with all that it keeps. Resolves to whether there was one. */
  destroy(): Promise<boolean>
  /** Moves the group: what is handed out next comes from there. */
  seek(to: Position): Promise<void>
  info(): Promise<GroupInfo>
}
