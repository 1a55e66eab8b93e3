import type { GroupInfo } from './consumer-group.ts'
import type { CursorInfo } from './cursors.ts'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Checkpoint,
  Entry,
  MessageId,
  Page,
  Position,
  ReadRange,
  StreamEntry,
  StreamRange
} from './entries.ts'
import type { Rate, RateRange } from './rates.ts'

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
  /** The beginning of the log: a position before this one may have lost entries behind it. `null` when the log has no entry. */
  readonly first: Checkpoint | null
  /** How far the log has come: every entry that it took stands at or before it, and every entry that it will take behind it. `null` when the log took none. */
  readonly last: Checkpoint | null
}

/** How far to trim: keep at most `maxLength` entries, or those appended at or after `before` (ms), or at most about `maxBytes`. Exactly one. */
export type TrimTarget = { readonly maxLength: number } | { readonly before: number } | { readonly maxBytes: number }

export interface TrimResult {
  readonly removed: number
  /** Of those removed, how many some group had not acknowledged or some guarding cursor had not passed, counted once each. Above 0 only with `force`. */
  readonly lost: number
  /** Of those removed, how many each group had not acknowledged, by its name. Groups that lose nothing are left out. */
  readonly lostByGroup: Readonly<Record<string, number>>
  /** Of those removed, how many each guarding cursor had not passed, by its name. Cursors that lose nothing are left out. */
  readonly lostByCursor: Readonly<Record<string, number>>
  /** True when the guard kept entries that the target asked to remove. */
  readonly guarded: boolean
}

export interface TrimOptions {
  /** Removes also what groups have not acknowledged and guarding cursors have not passed. Default false: the guard keeps it. */
  readonly force?: boolean
  /** Removes nothing, and resolves to what it would have removed and lost. Default false. */
  readonly dryRun?: boolean
}

/** Another payload for an entry, and another key where that is what its label says. */
export interface Rewrite {
  readonly messageId: MessageId
  /** The payload that it has. Where it has another by then, that stays. */
  readonly from: string
  readonly to: string
  /** The key that it has from then on. Default: the one that it has. */
  readonly key?: string
}

/**
 * An append-only log of entries, shared by every process that opens the same one. It has one partition and a total order, unless
 * {@link StorageFeatures.totalOrder} says otherwise: then entries are in order within their partition.
 */
export interface Log {
  /**
   * Appends all of them or none, in order; ids grow strictly within a partition. A repeated event id inside the deduplication window, here
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
  read(range: ReadRange): Promise<Page>
  /** The entries of these ids, in the order of the ids; `undefined` for one that is not there. */
  get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]>
  /**
   * Pages of entries behind a position, in log order, with no gap and no repeat, for ever: waits for what is appended
   * next, in this process or another. No page is empty. Where the position is, is decided by the call. Ends when the signal is aborted
   * or the log is closed; rejects when the log cannot be read.
   */
  tail(from: Position, options?: { signal?: AbortSignal; limit?: number }): AsyncIterable<Page>
  /**
   * Negative, 0 or positive as `a` stands before, at or behind `b`; `undefined` where it stands before in one partition and behind in
   * another. A message id is compared in its own partition. Rejects what is no checkpoint with `invalid_message_id`.
   */
  compare(a: Checkpoint, b: Checkpoint): number | undefined
  /** The checkpoint with one more entry passed, the next of its partition. In a log with one partition it is the id of the entry. */
  advance(checkpoint: Checkpoint, messageId: MessageId): Checkpoint
  /** Removes the oldest entries down to the target. What a group has not acknowledged or a guarding cursor has not passed, and all behind it, stays, unless `force`. */
  trim(target: TrimTarget, options?: TrimOptions): Promise<TrimResult>
  /**
   * Removes these entries, wherever they stand, at most 10,000 in a call. What a group has not acknowledged or a guarding cursor has
   * not passed stays, unless `force`. Those that are not there are left out.
   */
  remove(messageIds: readonly MessageId[], options?: TrimOptions): Promise<TrimResult>
  /**
   * Writes other payloads in the place of those that entries have: at most 1,000 in a call, in one atomic step. What groups keep with
   * entries and what documents hold stays. Resolves to how many were there. A storage whose entries cannot change leaves it out.
   */
  rewrite?(rewrites: readonly Rewrite[]): Promise<number>
  /**
   * How many entries of each type the log took, minute by minute or hour by hour, oldest first, also those that it has no more. Where it
   * took none there is no count. Reads no entries but those that the index has still to take in. Absent where the log has no index.
   * Rejects with `invalid_argument`.
   */
  rates?(range: RateRange): Promise<Rate[]>
  info(): Promise<LogInfo>
  /** Where the log begins, and how far it has come: of constant cost. */
  bounds(): Promise<LogBounds>
}
