import type { ConsumerGroup } from './consumer-group.ts'
import type { Delivery, Hold } from './deliveries.ts'
import type { MessageId, Position } from './entries.ts'

export interface PendingEntry {
  readonly messageId: MessageId
  /** When the log took the entry, ms since the epoch. */
  readonly appendedAt: number
  /** The consumer that holds it. Empty when none does: it was released, or requeued from the dead letters. */
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

/**
 * A consumer group that shares entry by entry: each goes to one of its consumers. An empty name, and a limit below 1, are refused with
 * `invalid_argument`.
 */
export interface WorkQueue extends ConsumerGroup {
  /**
   * Hands new entries to a consumer, in log order within a partition, at most `limit`: each to one consumer of the group. Resolves at once
   * when there are any; else waits up to `waitMs` (0: not at all) for one to be appended, in this process or another;
   * resolves to nothing when the time is up or the signal is aborted. When the log is closed meanwhile it rejects with
   * `closed` or resolves to nothing.
   */
  read(consumer: string, options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<Delivery[]>
  /** Marks entries done that this consumer holds; they are never handed out again. Resolves to the ids whose hold was lost: nothing happened to those. */
  acknowledge(consumer: string, holds: readonly Hold[]): Promise<MessageId[]>
  /** Deliveries that are not acknowledged, in the order of their ids: a page of them, or those of some ids. */
  pending(range: PendingRange): Promise<PendingEntry[]>
  /**
   * Takes over pending entries that were idle for `minIdleMs`, of every consumer, or only those that `heldBy` held, in
   * the order of {@link pending}, at most `limit`, behind `after`, and counts a delivery for each. An entry that was trimmed meanwhile is
   * dropped from the pending list and not returned.
   */
  claim(
    consumer: string,
    options: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]>
  /** Sets the idle time of entries that this consumer holds to 0. Resolves to the ids whose hold was lost. */
  extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]>
  /**
   * Hands entries that this consumer holds back: claimable by any after `delayMs` (default 0: at once), also with a
   * longer `minIdleMs`, and not before. Without a delay, the delivery that is given back is not counted. Resolves to the ids
   * whose hold was lost.
   */
  release(consumer: string, holds: readonly Hold[], options?: { delayMs?: number }): Promise<MessageId[]>

  /** Moves the group: the next read hands out from there. What is pending stays pending; moved to before it, the group hands it out once more. */
  seek(to: Position): Promise<void>
  /** Removes a consumer that holds nothing and was idle for `minIdleMs` (default 0). Resolves to false, and removes nothing, when it holds something, was there lately or is not there: checked and removed in one atomic step. */
  removeConsumer(consumer: string, options?: { minIdleMs?: number }): Promise<boolean>
}
