import type { ConsumerGroup } from './consumer-group.ts'
import type { Entry, MessageId, Position } from './entries.ts'
import type { Unit, UnitResult, Write } from './unit.ts'
import type { PendingEntry } from './work-queue.ts'

/** How a group is cut by key: the same in all its members. */
export interface Cut {
  /** The number of partitions, from 1 to 1,024. */
  readonly partitions: number
  /** The partition of an entry, from 0 to `partitions - 1`: entries that must stay in order share one. What it throws ends the read, and no entry is passed over. */
  partitionOf(entry: Entry): number
}

export interface MemberOptions {
  /** A member that has not renewed for this time is taken for dead, and its partitions go to the others, in ms. */
  readonly leaseMs: number
  readonly cut: Cut
}

/** A partition that a member owns. */
export interface OwnedPartition {
  readonly partition: number
  /** Grows whenever the partition changes hands: of two members that believe to own it, the one with the greater epoch does. */
  readonly epoch: number
}

export interface Ownership {
  readonly owned: readonly OwnedPartition[]
  /** Of those owned, the partitions that another member is to get: they hand out nothing more. Give them up when their entries in flight are finished. */
  readonly surplus: readonly number[]
}

/** An entry as a member gets it. */
export interface PartitionDelivery extends Entry, OwnedPartition {
  /** 1 at first. It grows when a member that did not leave may have begun with the entry. */
  readonly attempt: number
  /** The text that was last noted of the entry. */
  readonly attachment?: string
}

/** What a member finishes in one atomic step, and what it writes with it. All deliveries of a unit are of one partition. */
export interface PartitionUnit extends Pick<Unit, 'append' | 'write'> {
  /** These are finished: nobody gets them again. */
  readonly done: readonly PartitionDelivery[]
  /** By message id, of entries in flight: a text that the group keeps until the entry is finished. */
  readonly notes?: Readonly<Record<MessageId, string>>
}

/**
 * One member of a group whose entries stay in order by key. Every partition is owned by one living member, as evenly as possible and
 * with few moves. A member that lost a partition cannot finish anything of it: the storage decides that when it commits.
 */
export interface PartitionMember {
  readonly name: string
  /**
   * Says that the member lives, takes free partitions up to its share, and resolves to what it owns. The first call joins the group.
   * Call it three times in `leaseMs`. Rejects with `group_conflict` when the group has another number of partitions, or shares entry
   * by entry, and that cannot be changed now.
   */
  renew(): Promise<Ownership>
  /**
   * Hands out at most `limit` entries of the partitions that the member owns and that are no surplus, in log order within a partition:
   * first those that an earlier owner left unfinished and those that were requeued, then new ones. Each once while the member owns the
   * partition. Waits up to `waitMs` for some; resolves to none when the signal is aborted.
   */
  read(options: { limit: number; waitMs: number; signal?: AbortSignal }): Promise<PartitionDelivery[]>
  /**
   * As {@link Storage.commit}: one result for each unit. A unit of a partition that the member lost, or of an entry that is not in
   * flight, is refused with `fenced`, and nothing of it happens.
   */
  commit(units: readonly PartitionUnit[]): Promise<UnitResult[]>
  /** Gives partitions back, free for others at once. The next owner gets their unfinished entries, uncounted. */
  giveUp(partitions: readonly number[]): Promise<void>
  /** Gives up every partition and leaves the group. Idempotent. */
  leave(): Promise<void>
}

/** A consumer group whose members own partitions. Without the group every call but `create`, `restore` and `destroy` rejects with `not_found`. */
export interface PartitionedGroup extends ConsumerGroup {
  /**
   * As {@link ConsumerGroup.create}. A group of this name that shared entry by entry is turned into a partitioned one, at its own
   * position, when nothing of it is pending; else it rejects with `group_conflict`.
   */
  create(at: Position): Promise<boolean>
  /** Creates the group where it stood when it was last destroyed, or at `fallback` where nothing is known of it. */
  restore(fallback: Position): Promise<boolean>
  exists(): Promise<boolean>
  /**
   * Destroys the group to make place for one of its name that shares entry by entry. Resolves to the position where it stood, also when it
   * was retired before and not yet forgotten, and to `undefined` when there is none. Rejects with `group_conflict` while something is
   * pending or a member lives.
   */
  retire(): Promise<MessageId | undefined>
  /** Forgets the position of a group that was retired: the other group has it now. */
  forget(): Promise<void>
  /** Moves every partition. Its owners are fenced, and what is pending is dropped: it is done when it stands before the position. */
  seek(to: Position): Promise<void>
  /**
   * What is written down of unfinished entries, in log order, a page behind `after`: entries that are noted, that may
   * have ended a member, or that were requeued. Entries in flight of which nothing is written are counted by `info` alone.
   */
  pending(options: { limit: number; after?: MessageId }): Promise<PendingEntry[]>
  /** A write for a unit: the members get the entry once more, as attempt 1, with the attachment, at the latest when they renew next. */
  requeue(messageId: MessageId, attachment?: string): Write
  /** A member of the group: nobody knows of it before it has renewed for the first time. */
  join(member: string, options: MemberOptions): PartitionMember
}
