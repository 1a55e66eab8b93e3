import type { Delivery, Hold } from './deliveries.ts'
import type { MessageId, Position } from './entries.ts'

export interface PendingEntry {
  readonly messageId: MessageId
  /** When the log took the entry, ms since the epoch. */
  readonly appendedAt: number
  /** Who holds it. Empty when nobody does: it was released, or requeued from the dead letters. */
  readonly consumer: string
  /** Since it was last handed out or extended, in ms. */
  readonly idleMs: number
  /** How many times it was handed out. */
  readonly deliveries: number
  /** The text that the group keeps with it: {@link Delivery.attachment}. */
  readonly attachment?: string
}

/** Which pending entries: a page behind `after`, or exactly those of `messageIds` that are pending; of one consumer, or of all. */
export type PendingRange =
  | { readonly limit: number; readonly after?: MessageId; readonly consumer?: string }
  | { readonly messageIds: readonly MessageId[]; readonly consumer?: string }

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
  /** `queue`: its members share entry by entry. `partitioned`: they own partitions. */
  readonly kind: 'queue' | 'partitioned'
  /** The number of partitions into which it is cut by key; `null` when it shares entry by entry. */
  readonly partitions: number | null
  readonly consumers: readonly ConsumerInfo[]
  /** Handed out and not yet acknowledged. */
  readonly pending: number
  /** Of those pending, how many have an attachment: they have failed or were put back, and wait to be tried again. */
  readonly retrying: number
  /** Since the oldest pending entry was appended, in ms. `null` with none. */
  readonly oldestPendingMs: number | null
  readonly lastDeliveredId: MessageId
  /**
   * Everything up to here is acknowledged: just before the oldest pending entry, or the last entry that was delivered. It need not be the
   * id of an entry. In a partitioned group it is where the last partition stands, and entries that were requeued may stand before it.
   */
  readonly acknowledgedTo: MessageId
  /** Entries not yet handed out. `null` where the log cannot tell without reading them all. */
  readonly lag: number | null
  /** Since the oldest entry that was not yet handed out was appended, in ms. 0 with none. */
  readonly lagMs: number
}

/**
 * The consumers that share the entries of a log among them, entry by entry. Without the group, every call but `create` and
 * `destroy` rejects with `not_found`. An empty name, and a limit below 1, are refused with `invalid_argument`.
 */
export interface ConsumerGroup {
  readonly name: string
  /**
   * Creates the group at a position. A position beyond the newest entry counts as `end`: a log that has lost its end takes ids up to the
   * position once more, and those are new. Resolves to false, and changes nothing, when it exists.
   */
  create(at: Position): Promise<boolean>
  /** Drops the group, its consumers and its pending entries. Resolves to whether there was one. */
  destroy(): Promise<boolean>

  /**
   * Hands new entries to a consumer, in log order, at most `limit`: each to one consumer of the group. Resolves at once
   * when there are any; else waits up to `waitMs` (0: not at all) for one to be appended, in this process or another;
   * resolves to nothing when the time is up or the signal is aborted. When the log is closed meanwhile it rejects with
   * `closed` or resolves to nothing.
   */
  read(consumer: string, options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<Delivery[]>
  /** Marks entries done that this consumer holds; they are never handed out again. Resolves to the ids whose hold was lost: nothing happened to those. */
  acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]>
  /** What was handed out and not acknowledged, in log order: a page of it, or what there is of some ids. */
  pending(range: PendingRange): Promise<PendingEntry[]>
  /**
   * Takes over pending entries that were idle for `minIdleMs`, whoever held them, or only those that `heldBy` held, in
   * log order, at most `limit`, behind `after`, and counts a delivery for each. An entry that was trimmed meanwhile is
   * dropped from the pending list and not returned.
   */
  claim(
    consumer: string,
    options: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]>
  /** Sets the idle time of entries that this consumer holds to 0. Resolves to the ids whose hold was lost. */
  extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]>
  /**
   * Hands entries that this consumer holds back: claimable by any after `delayMs` (default 0: at once), whatever
   * `minIdleMs`, and not before. Without a delay, the delivery that is given back is not counted. Resolves to the ids
   * whose hold was lost.
   */
  release(consumer: string, holds: readonly Hold[], options?: { delayMs?: number }): Promise<MessageId[]>

  /** Moves the group: the next read hands out from there. What is pending stays pending; moved to before it, the group hands it out once more. */
  seek(to: Position): Promise<void>
  /** Removes a consumer that holds nothing and was idle for `minIdleMs` (default 0). Resolves to false, and removes nothing, when it holds something, was there lately or is not there: checked and removed in one atomic step. */
  removeConsumer(consumer: string, options?: { minIdleMs?: number }): Promise<boolean>
  info(): Promise<GroupInfo>
}
