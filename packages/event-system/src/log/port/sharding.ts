import type { Delivery, Hold, Settlement, SettlementResult } from './deliveries.ts'
import type { Entry, MessageId } from './entries.ts'

export interface ShardingOptions {
  /** Into how many shards the group is cut. The same for all its members; it can be changed when no member lives and nothing is pending. */
  readonly shards: number
  /** The shard of an entry, from 0 to `shards - 1`, the same in every member: entries that must stay in order share one. */
  readonly shardOf: (entry: Entry) => number
  /** A member that has not renewed for so long is taken for dead, and its shards are others', in ms. */
  readonly leaseMs: number
}

/** A shard that a member has been assigned. */
export interface ShardTenure {
  readonly shard: number
  /** Grows whenever the shard changes hands: of two that believe they have it, the one with the greater epoch does. */
  readonly epoch: number
}

export interface ShardAssignment {
  readonly held: readonly ShardTenure[]
  /** Of those held, the shards that another member is to get: they hand out nothing more. Give them up when what is in hand of them is settled. */
  readonly surplus: readonly number[]
}

export interface ShardDelivery extends Delivery, ShardTenure {}

/**
 * One member of a group that is cut into shards. Every shard is assigned to one live member, as evenly as can be, with as
 * few moves as can be when members come and go. What a member may settle is decided when it settles: a shard that was
 * assigned to another meanwhile makes every hold of it lost.
 */
export interface ShardMember {
  readonly name: string
  /**
   * Says that this member lives, takes what shards are free up to its share, and resolves to what it has. The first call
   * joins the group. Call it at least three times in `leaseMs`. Rejects with `group_conflict` when the group is cut
   * otherwise, and that cannot be changed now.
   */
  renew(): Promise<ShardAssignment>
  /** Gives shards back: free for others at once. What is pending of them goes to the next member that has them, uncounted. */
  giveUp(shards: readonly number[]): Promise<void>
  /**
   * Hands out entries of the shards that this member holds and that are no surplus, at most `limit`, in log order within
   * a shard: first what was pending of it when the shard was assigned, then new ones. Each once for as long as this member has
   * the shard, but for those requeued from the dead letters. Waits and ends as {@link ConsumerGroup.read} does.
   */
  read(options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<ShardDelivery[]>
  /** What this member holds of the shards that it has, once more as it was handed out to it. Left out is what it does not hold any more, and what was trimmed meanwhile. */
  held(holds: readonly ShardHold[]): Promise<ShardDelivery[]>
  /** As {@link ConsumerGroup.acknowledge}. */
  acknowledge(holds: readonly ShardHold[]): Promise<MessageId[]>
  /** As {@link ConsumerGroup.settle}. */
  settle(settlements: readonly (Settlement & ShardTenure)[]): Promise<SettlementResult[]>
  /** Gives up every shard and leaves the group. Idempotent. */
  leave(): Promise<void>
}

export interface ShardHold extends Hold, ShardTenure {}
