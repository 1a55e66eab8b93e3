/**
 * What a log is. An adapter (SQLite, Redis, somebody's own) implements {@link EventLog}; the conformance suite beside
 * this file has one test for each sentence here, in the same order and words. The log knows payloads, not events: it
 * stores text under an event id and a type, and never looks inside.
 */

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

/** An entry as a group hands it to a consumer. */
export interface Delivery extends Entry {
  /** How many times this entry was handed out in this group, this time included: 1 at first. */
  readonly attempt: number
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
  /** Only entries of these types, where the log has an index of types ({@link LogFeatures.typeIndex}); elsewhere it is ignored and the caller filters. */
  readonly eventTypes?: readonly string[]
}

export interface PendingEntry {
  readonly messageId: MessageId
  /** Who holds it. Empty when nobody does: it was released, or requeued from the dead letters. */
  readonly consumer: string
  /** Since it was last handed out or extended, in ms. */
  readonly idleMs: number
  /** How many times it was handed out. */
  readonly deliveries: number
}

export interface ConsumerInfo {
  readonly name: string
  readonly pending: number
  /** Since it last read or claimed, in ms. */
  readonly idleMs: number
}

export interface GroupInfo {
  readonly name: string
  readonly consumers: readonly ConsumerInfo[]
  /** Handed out and not yet acknowledged. */
  readonly pending: number
  readonly lastDeliveredId: MessageId
  /** Entries not yet handed out. `null` where the log cannot tell without reading them all. */
  readonly lag: number | null
}

export interface LogInfo {
  readonly length: number
  readonly firstId: MessageId | null
  readonly lastId: MessageId | null
  /** Bytes that the log takes where it is kept, approximately. */
  readonly bytes: number
  readonly groups: readonly GroupInfo[]
  /** How many event ids are kept for deduplication: those of the window, and of up to one more, since they are forgotten in stretches. */
  readonly deduplicationEntries: number
  readonly deadLetters: number
}

/** How far to trim: keep at most `maxLength` entries, or those appended at or after `before` (ms), or at most about `maxBytes`. Exactly one. */
export type TrimTarget = { readonly maxLength: number } | { readonly before: number } | { readonly maxBytes: number }

export interface TrimResult {
  readonly removed: number
  /** Of those removed, how many some group had not acknowledged, counted once each. Above 0 only with `force`. */
  readonly lost: number
  /** True when the guard kept entries that the target asked to remove. */
  readonly guarded: boolean
}

/** An entry that a group gave up on. */
export interface DeadLetter {
  /** The letter's own id, unique in the log. */
  readonly id: string
  readonly messageId: MessageId
  readonly group: string
  readonly consumer: string
  readonly payload: string | null
  readonly raw?: Readonly<Record<string, string>>
  /** Why: `poison` (it is no valid event), `rejected` (a handler said so) or `exhausted` (every attempt failed). */
  readonly kind: 'poison' | 'rejected' | 'exhausted'
  /** The sentence of the last error. */
  readonly reason: string
  readonly stack?: string
  readonly attempts: number
  /** When it was put here, ms since the epoch. */
  readonly deadAt: number
}

export type NewDeadLetter = Omit<DeadLetter, 'id' | 'group' | 'deadAt'>

export interface DeadLetterFilter {
  readonly group?: string
  /** Letters behind this letter's id. */
  readonly after?: string
  readonly limit: number
}

/** The entries that groups gave up on, oldest first. */
export interface DeadLetters {
  list(filter: DeadLetterFilter): Promise<DeadLetter[]>
  get(id: string): Promise<DeadLetter | undefined>
  /**
   * Puts the entry back to the group that failed, to nobody else, as if never handed out, and removes the letter, in one
   * atomic step: its next consumer to claim gets it, with attempt 1. Rejects with `not_found` when there is no such
   * letter and with `entry_trimmed`, keeping the letter, when the entry has left the log.
   */
  requeue(id: string): Promise<void>
  /** Removes the letter for good. Resolves to whether there was one. */
  discard(id: string): Promise<boolean>
}

/**
 * The consumers that share the entries of a log among them. Without the group, `read`, `claim`, `pending`, `seek` and
 * `info` reject with `not_found`. An empty name and a limit below 1 are refused with `invalid_argument`.
 */
export interface ConsumerGroup {
  readonly name: string
  /** Creates the group at a position. Resolves to false, and changes nothing, when it exists. */
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
  /** Marks entries done. Never handed out again. Resolves to how many were pending; others are ignored. */
  acknowledge(messageIds: readonly MessageId[]): Promise<number>
  /** What was handed out and not acknowledged, in log order, a page behind `after`. */
  pending(options: { limit: number; after?: MessageId; consumer?: string }): Promise<PendingEntry[]>
  /**
   * Takes over pending entries that were idle for `minIdleMs`, whoever held them, in log order, at most `limit`, and
   * counts a delivery for each. An entry that was trimmed meanwhile is dropped from the pending list and not returned.
   */
  claim(consumer: string, options: { minIdleMs: number; limit: number }): Promise<Delivery[]>
  /** Hands this consumer's own pending entries out to it once more and counts a delivery for each: how a retry is counted where a restart cannot forget it. Entries that another consumer has claimed meanwhile are not returned. */
  redeliver(consumer: string, messageIds: readonly MessageId[]): Promise<Delivery[]>
  /** Sets the idle time of this consumer's own pending entries to 0. Resolves to the ids that are still its own. */
  extend(consumer: string, messageIds: readonly MessageId[]): Promise<MessageId[]>
  /** Hands this consumer's own pending entries back: at once claimable by any, whatever `minIdleMs`. The delivery that is given back is not counted. */
  release(consumer: string, messageIds: readonly MessageId[]): Promise<void>
  /** Puts pending entries into the dead letters and acknowledges them, in one atomic step. Those that are not pending (any more) are left out. Resolves to the letters written. */
  deadLetter(letters: readonly NewDeadLetter[]): Promise<DeadLetter[]>
  /**
   * Moves the group: the next read hands out from there. What is pending stays pending; moved to before it, the group
   * hands it out once more, and whether its deliveries are counted on or from 1 is the adapter's affair.
   */
  seek(to: Position): Promise<void>
  /** Removes a consumer that holds nothing. Resolves to false, and removes nothing, when it holds something or is not there: checked and removed in one atomic step. */
  removeConsumer(consumer: string): Promise<boolean>
  info(): Promise<GroupInfo>
}

/** What an adapter promises beyond the rest, or does not. The suite asks for the declared refusal (`unsupported`) instead. */
export interface LogFeatures {
  /** `read` narrows by event type from an index. */
  readonly typeIndex: boolean
  /** Entries can be written past the adapter, by anybody: poison entries are possible. */
  readonly foreignWriters: boolean
  /** Data outlives the adapter's `close()` and the process. */
  readonly persistent: boolean
}

/** An append-only log of entries, shared by every process that opens the same one. */
export interface EventLog {
  /** `sqlite`, `redis`, …: for people and metrics. */
  readonly kind: string
  /** Where it is, without secrets: for people. */
  readonly location: string
  readonly features: LogFeatures

  /** Opens or creates the log. Rejects with `log_incompatible`, `log_unavailable`, … and harms nothing. */
  start(): Promise<void>
  /** Idempotent. Waits at most `timeoutMs` for calls under way; later ones reject with `closed`. */
  close(options?: { timeoutMs?: number }): Promise<void>

  /**
   * Appends all of them or none, in order; ids grow strictly. A repeated event id inside the deduplication window, here
   * or in the same call, appends nothing and says so, also when two processes race; all that open the log must be given
   * the same window. When it resolves, the entries are durable to the degree that the adapter documents by name. It never
   * reports an append that it cannot prove: it rejects with `log_unavailable` or `log_busy` when nothing was written and
   * with `log_timeout` when that is unknown.
   */
  append(entries: readonly AppendEntry[], options?: AppendOptions): Promise<AppendResult[]>
  /** One page of entries. A page shorter than `limit` is the last. */
  read(range: ReadRange): Promise<Entry[]>
  get(messageId: MessageId): Promise<Entry | undefined>
  /**
   * Pages of entries behind a position, in log order, with no gap and no repeat, for ever: waits for what is appended
   * next, in this process or another. Ends when the signal is aborted or the log is closed; rejects when the log cannot be read.
   */
  tail(from: Position, options?: { signal?: AbortSignal; limit?: number }): AsyncIterable<Entry[]>
  /** Negative, 0 or positive as `a` stands before, at or behind `b`. Rejects what is no message id with `invalid_message_id`. */
  compare(a: MessageId, b: MessageId): number
  /** When the log took the entry, ms since the epoch. */
  timeOf(messageId: MessageId): number

  /** A handle; the group itself is made by {@link ConsumerGroup.create}. */
  group(name: string): ConsumerGroup
  readonly deadLetters: DeadLetters

  /** Removes the oldest entries down to the target. What a group has not acknowledged, and all behind it, stays, unless `force`. */
  trim(target: TrimTarget, options?: { force?: boolean }): Promise<TrimResult>
  info(): Promise<LogInfo>
  /** Resolves when the log answers; rejects with `log_unavailable` or `log_timeout`. */
  ping(): Promise<void>
}
