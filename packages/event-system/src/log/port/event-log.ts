import type { Collections } from './collections.ts'
import type { ConsumerGroup, GroupInfo } from './consumer-group.ts'
import type { Counters } from './counters.ts'
import type { CursorInfo, Cursors } from './cursors.ts'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Entry,
  MessageId,
  Position,
  ReadRange,
  StreamEntry,
  StreamRange
} from './entries.ts'
import type { Leases } from './leases.ts'
import type { PartitionedGroup } from './partitioned.ts'
import type { Unit, UnitResult } from './unit.ts'

/** Which entry it is, and when the log took it. */
export type EntryPlace = Pick<Entry, 'messageId' | 'appendedAt'>

export interface LogInfo {
  readonly length: number
  /** The oldest entry that is there, and the newest; `null` when there is none. */
  readonly first: EntryPlace | null
  readonly last: EntryPlace | null
  /** Bytes that the log takes where it is kept, approximately. */
  readonly bytes: number
  readonly groups: readonly GroupInfo[]
  readonly cursors: readonly CursorInfo[]
  /** How many event ids are kept for deduplication: those of the window, and of up to one more, since they are forgotten in stretches. */
  readonly deduplicationEntries: number
}

/** Where a log begins, and how far it has come. */
export interface LogBounds {
  /** The first entry that is there; null when there is none. */
  readonly firstId: MessageId | null
  /** No entry that the log took has a later id, and every entry that it will take has: the last entry's id, whether or not that is there, or one behind it. Null when the log took none. */
  readonly lastIssuedId: MessageId | null
}

/** How far to trim: keep at most `maxLength` entries, or those appended at or after `before` (ms), or at most about `maxBytes`. Exactly one. */
export type TrimTarget = { readonly maxLength: number } | { readonly before: number } | { readonly maxBytes: number }

export interface TrimResult {
  readonly removed: number
  /** Of those removed, how many some group had not acknowledged or some guarding cursor had not passed, counted once each. Above 0 only with `force`. */
  readonly lost: number
  /**
   * Of those removed, how many each group had not acknowledged, by its name, and how many each guarding cursor had not passed, by
   * `cursor <name>`. Groups and cursors that lose nothing are left out.
   */
  readonly lostByGroup: Readonly<Record<string, number>>
  /** True when the guard kept entries that the target asked to remove. */
  readonly guarded: boolean
}

export interface TrimOptions {
  /** Removes also what groups have not acknowledged and guarding cursors have not passed. Default false: the guard keeps it. */
  readonly force?: boolean
  /** Removes nothing, and resolves to what it would have removed and lost. Default false. */
  readonly dryRun?: boolean
}

/** What an adapter promises beyond the rest, or does not. The suite asks for the declared refusal (`unsupported`) instead. */
export interface LogFeatures {
  /** `read` narrows by event type from an index. */
  readonly typeIndex: boolean
  /** Entries can be written past the adapter, by anybody: poison entries are possible. */
  readonly foreignWriters: boolean
  /** Data outlives the adapter's `close()` and the process. */
  readonly persistent: boolean
  /** Entries can be given other payloads, as when they are encrypted anew: `rewrite`. */
  readonly rewritesEntries: boolean
  /** It counts for all who open it: {@link EventLog.counters}. */
  readonly sharedCounters: boolean
}

/** Another payload for an entry. */
export interface Rewrite {
  readonly messageId: MessageId
  /** The payload that it has. Where it has another by then, that stays. */
  readonly from: string
  readonly to: string
}

/** Something in the way in which a log is kept that may lose what it took. */
export interface LogWarning {
  /** What it is, what it may cost, and what to set instead. */
  readonly message: string
  /** Whether entries may go while everything runs as it should, without anybody having removed them. */
  readonly losesEntries: boolean
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
   *
   * Each entry that it appends counts up its stream key, where it has one. Expected versions are looked at in the same
   * atomic step: of many that expect the same, one appends. An append of duplicates alone is answered as that, whatever
   * it expects: repeating one whose answer was lost is no conflict. One in which something is new must find what it
   * expects, and counts what is new. Rejects with `version_conflict` and `invalid_argument`, nothing changed.
   */
  append(entries: readonly AppendEntry[], options?: AppendOptions): Promise<AppendResult[]>
  /** How many entries were appended with this stream key, whether or not they are still there: 0 when none ever was. Rejects with `invalid_argument`. */
  versionOf(streamKey: string): Promise<number>
  /**
   * The entries of one stream key in the order of their versions, one page. Those that were trimmed or removed are left out. A page
   * shorter than `limit` is the last; the next page begins behind the version of the last entry. Rejects with `invalid_argument`.
   */
  readStream(streamKey: string, range: StreamRange): Promise<StreamEntry[]>
  /** One page of entries. A page shorter than `limit` is the last. */
  read(range: ReadRange): Promise<Entry[]>
  /** The entries of these ids, in the order of the ids; `undefined` for one that is not there. */
  get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]>
  /**
   * Pages of entries behind a position, in log order, with no gap and no repeat, for ever: waits for what is appended
   * next, in this process or another. Ends when the signal is aborted or the log is closed; rejects when the log cannot be read.
   */
  tail(from: Position, options?: { signal?: AbortSignal; limit?: number }): AsyncIterable<Entry[]>
  /** Negative, 0 or positive as `a` stands before, at or behind `b`. Rejects what is no message id with `invalid_message_id`. */
  compare(a: MessageId, b: MessageId): number

  /** A handle; the group itself is made by {@link ConsumerGroup.create}. */
  group(name: string): ConsumerGroup
  /** A handle of a group whose members own partitions; the group itself is made by {@link PartitionedGroup.create}. */
  partitioned(name: string): PartitionedGroup
  /** The names of all groups, in no particular order: cheaper than {@link info}, which says how each stands. */
  groupNames(): Promise<string[]>
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections
  /** An adapter that does not declare `sharedCounters` leaves it out. */
  readonly counters?: Counters | undefined

  /**
   * Each unit is all or nothing, in order. A unit that is refused changes nothing and stops no other; the call as a whole is not atomic.
   * A unit sees what the units before it did. At most 100 units in a call. After `log_timeout` a unit may be given again: where it took
   * effect, its conditions refuse it or its entries are duplicates. A call of which some units are committed and the others failed rejects
   * with `log_timeout` too. Rejects with `invalid_argument` and `invalid_message_id`, nothing changed.
   */
  commit(units: readonly Unit[], options?: { timeoutMs?: number }): Promise<UnitResult[]>

  /** Removes the oldest entries down to the target. What a group has not acknowledged or a guarding cursor has not passed, and all behind it, stays, unless `force`. */
  trim(target: TrimTarget, options?: TrimOptions): Promise<TrimResult>
  /**
   * Removes these entries, wherever they stand, at most 10,000 in a call. What a group has not acknowledged or a guarding cursor has
   * not passed stays, unless `force`. Those that are not there are left out.
   */
  remove(messageIds: readonly MessageId[], options?: TrimOptions): Promise<TrimResult>
  /**
   * Writes other payloads in the place of those that entries have: at most 1,000 in a call, in one atomic step. What groups keep with
   * entries and what documents hold stays. Resolves to how many were there. Rejects with `unsupported` where the log declares that it does
   * not.
   */
  rewrite(rewrites: readonly Rewrite[]): Promise<number>
  info(): Promise<LogInfo>
  /** Where the log begins, and how far it has come: of constant cost. */
  bounds(): Promise<LogBounds>
  /** Resolves when the log answers; rejects with `log_unavailable` or `log_timeout`. */
  ping(): Promise<void>
  /** What its operator should know of how it is kept, as far as that can be learnt. An adapter that has nothing to warn of leaves it out. */
  warnings?(): Promise<LogWarning[]>
}
