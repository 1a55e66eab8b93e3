import type { StreamVersion } from '@tradpal/events'
import type { Collection } from './collections.ts'
import type { Hold } from './deliveries.ts'
import type { AppendEntry, AppendResult, Checkpoint, MessageId } from './entries.ts'

/**
 * One atomic step of {@link Storage.commit}: every condition in it holds, or nothing of it happens. Conditions are checked part by part,
 * in the order in which the parts stand here. A unit names each cursor, each document and each entry of a group at most once.
 */
export interface Unit {
  /** Leases that must stand under these tokens: until another holder takes one, also past its time. */
  readonly fence?: readonly Fence[]
  /** Entries that consumers hold, which are marked done: they are never handed out again, and their attachments go. */
  readonly acknowledge?: readonly Acknowledgement[]
  /** Attachments of pending entries, which are set. */
  readonly attach?: readonly Attachment[]
  /** Entries that become pending in a group, and in no other, as if they had never been handed out. Claimable by any consumer at once. */
  readonly requeue?: readonly Requeue[]
  /** Cursors that are moved. */
  readonly cursors?: readonly CursorMove[]
  /** Entries that are appended, as {@link Log.append} does it. */
  readonly append?: { readonly entries: readonly AppendEntry[]; readonly expected?: readonly StreamVersion[] }
  /** Documents that are written or removed. */
  readonly write?: readonly Write[]
}

export interface Fence {
  readonly lease: string
  readonly token: number
}

export interface Acknowledgement extends Hold {
  readonly group: string
  readonly consumer: string
}

/** A text that a group keeps with a pending entry: {@link Delivery.attachment}. */
export interface Attachment {
  readonly group: string
  readonly messageId: MessageId
  readonly text: string
  /** What must be: that the consumer still holds the entry, or that the text is still the one that it was. */
  readonly if: { readonly consumer: string; readonly attempt: number } | { readonly from: string }
}

export interface Requeue {
  readonly group: string
  readonly messageId: MessageId
  /** Takes the place of the attachment that the entry has. Default: none. */
  readonly attachment?: string
}

export interface CursorMove {
  readonly name: string
  /** The new position, whether before or behind the old one. */
  readonly to: Checkpoint
  /** The position that the cursor must have. Default: any. */
  readonly expected?: Checkpoint
}

export interface Write {
  readonly collection: Collection
  readonly id: string
  /** `null` removes the document. The removal of one that is not there changes nothing. */
  readonly value: string | null
  /** The revision that the document must have; 0 means that there must be none. An expiring collection knows no other. Default: any. */
  readonly expected?: number
}

/** Committed: what was appended, and for each write in order the revision of its collection after it, 0 for an expiring collection. */
export interface Committed {
  readonly kind: 'committed'
  readonly appended: readonly AppendResult[]
  readonly revisions: readonly number[]
}

/** Refused, nothing changed: the first condition that did not hold, by its part of the unit and its place there. */
export interface Refused {
  readonly kind: 'refused'
  readonly part: keyof Unit
  readonly index: number
  /**
   * `fenced`: another holder took the lease, or it was released. `hold_lost`: the consumer does not hold the entry any more, or the group
   * is gone. `conflict`: a cursor, a document or an attachment is not what was expected. `version_conflict`: a stream key has another
   * version. `entry_trimmed`: the entry is not in the log any more. `not_found`: there is no such cursor, or no such group to requeue into.
   */
  readonly reason: 'fenced' | 'hold_lost' | 'conflict' | 'version_conflict' | 'entry_trimmed' | 'not_found'
}

export type UnitResult = Committed | Refused
