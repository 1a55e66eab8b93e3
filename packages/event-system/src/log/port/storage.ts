import type { Collections } from './collections.ts'
import type { Counters } from './counters.ts'
import type { Cursors } from './cursors.ts'
import type { Leases } from './leases.ts'
import type { Log } from './log.ts'
import type { PartitionedGroup } from './partitioned.ts'
import type { Unit, UnitResult } from './unit.ts'
import type { WorkQueue } from './work-queue.ts'

/** The promises in which storages differ. An interface that its engine cannot support is absent instead. */
export interface StorageFeatures {
  /** The log has one partition: every entry stands before or behind every other, and a message id is a checkpoint. */
  readonly totalOrder: boolean
  /** `read` narrows by event type and key, and reads in the order of event times, from an index. */
  readonly index: boolean
  /** Entries can be written past the adapter, by anybody: poison entries are possible. */
  readonly foreignWriters: boolean
  /** Data outlives the adapter's `close()` and the process. */
  readonly persistent: boolean
  /** The parts that one unit may combine. `commit` refuses a unit with another part with `unsupported`. */
  readonly atomic: ReadonlySet<keyof Unit>
}

/** Something in the way in which a storage is kept that may lose what it took. */
export interface StorageWarning {
  /** A sentence with the setting, its risk, and a better value. */
  readonly message: string
  /** Whether entries may go while everything runs as it should, without anybody having removed them. */
  readonly losesEntries: boolean
}

/** An adapter opens a storage: a log, and beside it the groups, cursors, leases, collections and counters that one step can change together with it. */
export interface Storage {
  /** `sqlite`, `redis`, …: for people and metrics. */
  readonly kind: string
  /** The place of the storage, without secrets: for people. */
  readonly location: string
  readonly features: StorageFeatures

  /** Opens or creates the storage. Rejects with `log_incompatible`, `log_unavailable`, … and harms nothing. */
  start(): Promise<void>
  /** Idempotent. Waits at most `timeoutMs` for calls under way; later ones reject with `closed`. */
  close(options?: { timeoutMs?: number }): Promise<void>
  /** Resolves when the storage answers; rejects with `log_unavailable` or `log_timeout`. */
  ping(): Promise<void>
  /** Risks in the way in which the storage is kept, for its operator. Empty when none is known. */
  warnings(): Promise<StorageWarning[]>

  readonly log: Log
  /** A handle; the group itself is made by {@link WorkQueue.create}. */
  queue(group: string): WorkQueue
  /** A handle of a group whose members own partitions; the group itself is made by {@link PartitionedGroup.create}. A storage that cannot keep the order by key leaves it out. */
  partitioned?(group: string): PartitionedGroup
  /** The names of all groups of both kinds, in no particular order: cheaper than {@link Log.info}, which says how each stands. */
  groupNames(): Promise<string[]>
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections
  /** Absent where the storage has no counts that all processes share. */
  readonly counters?: Counters | undefined

  /**
   * Each unit is all or nothing, in order. A unit that is refused changes nothing and stops no other; the call as a whole is not atomic.
   * A unit sees what the units before it did. At most 100 units in a call. After `log_timeout` a unit may be given again: where it took
   * effect, its conditions refuse it or its entries are duplicates. A call of which some units are committed and the others failed rejects
   * with `log_timeout` too. Rejects with `invalid_argument`, `invalid_message_id` and `unsupported`, nothing changed.
   */
  commit(units: readonly Unit[], options?: { timeoutMs?: number }): Promise<UnitResult[]>
}
