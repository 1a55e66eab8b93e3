import type { Delivery, Hold, Settlement, SettlementResult } from './deliveries.ts'
import type { MessageId, Position } from './entries.ts'
import type { Ledger } from './ledger.ts'
import type { ShardingOptions, ShardMember } from './sharding.ts'

export interface PendingEntry {
  readonly messageId: MessageId
  /** Who holds it. Empty when nobody does: it was released, or requeued from the dead letters. */
  readonly consumer: string
  /** Since it was last handed out or extended, in ms. */
  readonly idleMs: number
  /** How many times it was handed out. */
  readonly deliveries: number
  /** What its last consumer left for the next. */
  readonly note?: string
  /** What the group is given instead of the entry's payload: {@link DeadLetters.requeue}. */
  readonly amended?: string
  /** The text that the group keeps with it: {@link Delivery.attachment}. */
  readonly attachment?: string
}

/** The texts that a group keeps of a pending entry. */
export type PendingTexts = Pick<PendingEntry, 'messageId' | 'note' | 'amended'>

export interface ConsumerInfo {
  readonly name: string
  readonly pending: number
  /** Since it last read, claimed or renewed, in ms. */
  readonly idleMs: number
  /** The shards that it has been assigned. Empty where a group shares entry by entry. */
  readonly shards: readonly number[]
}

export interface GroupInfo {
  readonly name: string
  /** Into how many shards it is cut by key; `null` when it shares entry by entry. */
  readonly shards: number | null
  readonly consumers: readonly ConsumerInfo[]
  /** Handed out and not yet acknowledged. */
  readonly pending: number
  /** Of those pending, how many have failed and wait to be tried again: those with a note. */
  readonly retrying: number
  /** Since the oldest pending entry was appended, in ms. `null` with none. */
  readonly oldestPendingMs: number | null
  readonly lastDeliveredId: MessageId
  /** Entries not yet handed out. `null` where the log cannot tell without reading them all. */
  readonly lag: number | null
  /** Since the oldest entry that was not yet handed out was appended, in ms. 0 with none. */
  readonly lagMs: number
}

/**
 * The consumers that share the entries of a log among them: entry by entry, by the calls below, or shard by shard, by
 * {@link sharded}. Without the group, every call but `create`, `restore` and `destroy` rejects with `not_found`. An
 * empty name, and a limit below 1, are refused with `invalid_argument`.
 */
export interface ConsumerGroup {
  readonly name: string
  /** Creates the group at a position, whatever place was kept. Resolves to false, and changes nothing, when it exists. */
  create(at: Position): Promise<boolean>
  /**
   * Creates the group where it stood when somebody last called {@link keepPlace}, or where it was last created, or at
   * `fallback` when nothing is known of it.
   * Resolves to false, and changes nothing, when it exists.
   */
  restore(fallback: Position): Promise<boolean>
  /** Keeps, apart from the group, the place behind which it has acknowledged nothing: all before it is done. A group that is lost is restored there. */
  keepPlace(): Promise<void>
  /** Drops the group, its consumers and its pending entries. Its ledger, its dead letters and the place that was kept stay. Resolves to whether there was one. */
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
  /** Settles deliveries, in order: each in one atomic step, all of it or nothing. One result for each. */
  settle(consumer: string, settlements: readonly Settlement[]): Promise<SettlementResult[]>
  /** What was handed out and not acknowledged, in log order, a page behind `after`. */
  pending(options: { limit: number; after?: MessageId; consumer?: string }): Promise<PendingEntry[]>
  /**
   * Takes over pending entries that were idle for `minIdleMs`, whoever held them, or only those that `heldBy` held, in
   * log order, at most `limit`, behind `after`, and counts a delivery for each. An entry that was trimmed meanwhile is
   * dropped from the pending list and not returned.
   */
  claim(
    consumer: string,
    options: { minIdleMs: number; limit: number; heldBy?: string; after?: MessageId }
  ): Promise<Delivery[]>
  /** What this consumer holds, once more as it was handed out to it. Left out is what it does not hold any more, and what was trimmed meanwhile. */
  held(consumer: string, holds: readonly Hold[]): Promise<Delivery[]>
  /** Sets the idle time of entries that this consumer holds to 0. Resolves to the ids whose hold was lost. */
  extend(consumer: string, holds: readonly Hold[]): Promise<MessageId[]>
  /**
   * Hands entries that this consumer holds back: claimable by any after `delayMs` (default 0: at once), whatever
   * `minIdleMs`, and not before. Without a delay, the delivery that is given back is not counted. Resolves to the ids
   * whose hold was lost.
   */
  release(consumer: string, holds: readonly Hold[], options?: { delayMs?: number }): Promise<MessageId[]>

  /**
   * A member of the group that gets entries shard by shard: those of one shard to one member at a time, in log order.
   * `renew()` joins. Members that share entry by entry must not be in the group at the same time.
   */
  sharded(member: string, options: ShardingOptions): ShardMember

  /**
   * Writes what `change` makes of the notes of pending entries, and of what the group is given instead of their payloads, as
   * when they are encrypted anew: of at most 1,000 entries in a call, of each in one atomic step, and nobody's hold changes.
   * `change` is asked again when somebody changed the texts meanwhile. Resolves to how many were written; those are left out
   * that `change` leaves as they are, and that have no such text or are done.
   */
  rewrite(messageIds: readonly MessageId[], change: (texts: PendingTexts) => PendingTexts): Promise<number>

  /** Moves the group: the next read hands out from there. What is pending stays pending; moved to before it, the group hands it out once more. */
  seek(to: Position): Promise<void>
  /** Removes a consumer that holds nothing and was idle for `minIdleMs` (default 0). Resolves to false, and removes nothing, when it holds something, was there lately or is not there: checked and removed in one atomic step. */
  removeConsumer(consumer: string, options?: { minIdleMs?: number }): Promise<boolean>
  info(): Promise<GroupInfo>
  readonly ledger: Ledger
}
