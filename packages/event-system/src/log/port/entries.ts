import type { StreamVersion } from '@tradpal/events'

/** An entry's id, unique in its log. Opaque outside its adapter: only {@link Log.compare} orders two of them. */
export type MessageId = string

/**
 * How far a reader has come: one message id for each partition, as one text. In a log with one partition a message id is a checkpoint.
 * Opaque outside its adapter.
 */
export type Checkpoint = string

/**
 * A place in the log. `start`: before the first entry. `end`: after the last. `after`: just behind what the checkpoint has passed, whether or
 * not that is still there. `time`: before the first entry that was appended at or after that instant (ms since the epoch).
 */
export type Position = 'start' | 'end' | { readonly after: Checkpoint } | { readonly time: number }

/** By what readers find an entry, beside its place in the log. */
export interface EntryLabel {
  readonly eventType: string
  /** What the event is about, such as its symbol: 1 to 200 characters, none of them a control character. Default: nothing that readers look for. */
  readonly key?: string
  /** When the event happened, in whole ms since the epoch. Default: when the log takes the entry. */
  readonly eventTime?: number
}

/** What is appended. */
export interface AppendEntry extends EntryLabel {
  readonly eventId: string
  readonly payload: string
  /** Of what it is, such as `account-7`: {@link Log.append} counts the key up. 1 to 200 characters, none of them a control character. */
  readonly streamKey?: string
}

export interface AppendResult {
  readonly messageId: MessageId
  /** True when this event id was in the log already, inside the deduplication window: nothing was appended, and the id is the first one's. */
  readonly duplicate: boolean
  /** Of an entry with a stream key: the version of the key since this entry, which is the entry's number in it. Of a duplicate the one that it was given when it was appended; none when it had no key then. */
  readonly version?: number
}

export interface AppendOptions {
  /** How long the caller waits, in ms. Default: the adapter's. When it passes, the append rejects with `log_timeout` and may or may not have happened. */
  readonly timeoutMs?: number
  /** The versions that stream keys must have, of the entries' keys or of others: when one has another, nothing is appended, and the append rejects with `version_conflict`. */
  readonly expected?: readonly StreamVersion[]
}

/** What stands at one place in the log. */
export interface Entry {
  readonly messageId: MessageId
  /** When the log took the entry, ms since the epoch. */
  readonly appendedAt: number
  /** In a read in the order of event times alone: when the event happened, by which the entry stands there, in whole ms since the epoch. */
  readonly eventTime?: number
  /** The text as it was appended. `null` when somebody else wrote an entry that has none: such an entry is poison. */
  readonly payload: string | null
  /** With a `null` payload: what the entry holds instead, for the operator to see. */
  readonly raw?: Readonly<Record<string, string>>
}

/** Entries in the order of the read, or the other way round where they are read backward. */
export interface Page {
  readonly entries: readonly Entry[]
  /** The beginning of the page: {@link Log.advance} with each entry leads from here to {@link position}, when it is read forward. */
  readonly from: Checkpoint
  /** The beginning of the next page: its `from: { after: position }`, or read backward its `to: { checkpoint: position }`. */
  readonly position: Checkpoint
}

/** An entry that was appended with a stream key. */
export interface StreamEntry extends Entry {
  /** Its number among the entries of the key, from 1: what {@link AppendResult.version} said when it was appended. */
  readonly version: number
}

export interface StreamRange {
  /** The first version that is wanted, 1 or more. */
  readonly fromVersion: number
  /** At most so many entries, 1 or more. */
  readonly limit: number
}

export interface ReadRange {
  /** Entries behind this position. Default `start`. */
  readonly from?: Position
  /** Entries that this checkpoint has passed, or that were appended up to this instant, inclusive (ms). Default: the end of the log. */
  readonly to?: { readonly checkpoint: Checkpoint } | { readonly time: number }
  /** `forward`: oldest first, from `from`. `backward`: newest first, from `to`. Default `forward`. */
  readonly direction?: 'forward' | 'backward'
  /** At most this many entries, 1 or more. */
  readonly limit: number
  /** Only entries of these types. Where the log has no index ({@link StorageFeatures.index}) others may come too, and the caller filters. */
  readonly eventTypes?: readonly string[]
  /** Only entries of these keys. Where the log has no index others may come too, and the caller filters. */
  readonly keys?: readonly string[]
  /**
   * `log`: in log order, and times are those at which the log took the entries. `event`: in the order of the event times, in log order
   * where those are equal, and times are event times; the positions of such a read are for such reads alone, and `end` is refused with
   * `invalid_argument`. Where the log has no index `event` is refused with `unsupported`. Default `log`.
   */
  readonly time?: 'log' | 'event'
}
