/** An entry's id in its log, `<ms>-<seq>`. Opaque outside its adapter: only {@link EventLog.compare} orders two of them. */
export type MessageId = string

/** A place in the log. `start`: before the first entry. `end`: after the last. `after`: just behind that entry, whether or
 *  not it is still there. `time`: before the first entry that was appended at or after that instant (ms since the epoch). */
export type Position = 'start' | 'end' | { readonly after: MessageId } | { readonly time: number }

/** What is appended. */
export interface AppendEntry {
  readonly eventId: string
  readonly eventType: string
  readonly payload: string
}

export interface AppendResult {
  readonly messageId: MessageId
  /** True when this event id was in the log already, inside the deduplication window: nothing was appended, and the id is the first one's. */
  readonly duplicate: boolean
}

export interface AppendOptions {
  /** How long the caller waits, in ms. Default: the adapter's. When it passes, the append rejects with `log_timeout` and may or may not have happened. */
  readonly timeoutMs?: number
}

/** What stands at one place in the log. */
export interface Entry {
  readonly messageId: MessageId
  /** The text as it was appended. `null` when somebody else wrote an entry that has none: such an entry is poison. */
  readonly payload: string | null
  /** With a `null` payload: what the entry holds instead, for the operator to see. */
  readonly raw?: Readonly<Record<string, string>>
}

export interface ReadRange {
  /** Entries behind this position. Default `start`. */
  readonly from?: Position
  /** Entries up to this id, inclusive, or appended up to this instant, inclusive (ms). Default: the end of the log. */
  readonly to?: { readonly messageId: MessageId } | { readonly time: number }
  /** `forward`: oldest first, from `from`. `backward`: newest first, from `to`. Default `forward`. */
  readonly direction?: 'forward' | 'backward'
  /** At most so many entries, 1 or more. */
  readonly limit: number
  /** Only entries of these types, where the log has an index of types ({@link LogFeatures.typeIndex}); elsewhere others may come too, and the caller filters. */
  readonly eventTypes?: readonly string[]
}
