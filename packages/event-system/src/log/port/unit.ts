import type { StreamVersion } from '@tradpal/events'
import type { Collection } from './collections.ts'
import type { AppendEntry, AppendResult, MessageId } from './entries.ts'

/**
 * One atomic step of {@link EventLog.commit}: every condition in it holds, or nothing of it happens. Conditions are checked part by part,
 * in the order in which the parts stand here. A unit names each cursor and each document at most once.
 */
export interface Unit {
  /** Leases that must stand under these tokens: until another holder takes one, also past its time. */
  readonly fence?: readonly Fence[]
  /** Cursors that are moved. */
  readonly cursors?: readonly CursorMove[]
  /** Entries that are appended, as {@link EventLog.append} does it. */
  readonly append?: { readonly entries: readonly AppendEntry[]; readonly expected?: readonly StreamVersion[] }
  /** Documents that are written or removed. */
  readonly write?: readonly Write[]
}

export interface Fence {
  readonly lease: string
  readonly token: number
}

export interface CursorMove {
  readonly name: string
  /** The new position, whether before or behind the old one. */
  readonly to: MessageId
  /** The position that the cursor must have. Default: any. */
  readonly expected?: MessageId
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
   * `fenced`: another holder took the lease, or it was released. `conflict`: a cursor or a document is not what was expected.
   * `version_conflict`: a stream key has another version. `not_found`: there is no such cursor.
   */
  readonly reason: 'fenced' | 'conflict' | 'version_conflict' | 'not_found'
}

export type UnitResult = Committed | Refused
