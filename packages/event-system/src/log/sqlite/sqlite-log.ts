import { statSync } from 'node:fs'
import { withPartitioned } from '../partitioned/index.ts'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Checkpoint,
  Collections,
  Entry,
  EntryPlace,
  Leases,
  Log,
  LogBounds,
  LogInfo,
  MessageId,
  Page,
  Position,
  Rate,
  RateRange,
  ReadRange,
  Rewrite,
  StreamEntry,
  StreamRange,
  TrimOptions,
  TrimResult,
  TrimTarget
} from '../port.ts'
import { ratesOf } from '../rates.ts'
import type { Appender } from './appender.ts'
import { assertLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { SqliteCursors } from './cursors.ts'
import type { Doorbell } from './doorbell.ts'
import type { EntryIndex } from './entry-index.ts'
import { describeGroup } from './group-info.ts'
import { formatMessageId, IDS_PER_MS, parseMessageId, timeOf } from './message-id.ts'
import type { Reader } from './reader.ts'
import { countRecent } from './recent-ids.ts'
import { Rewriter } from './rewriter.ts'
import type { Tide } from './tide.ts'
import { Trimmer } from './trimmer.ts'

const SUMMARY = `
  SELECT added - removed AS length, (SELECT min(id) FROM entries) AS first_id, (SELECT max(id) FROM entries) AS last_id,
    (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes
  FROM state`
const BOUNDS = 'SELECT (SELECT min(id) FROM entries) AS first_id, last_id FROM state'
const GROUPS = 'SELECT name FROM groups ORDER BY name'

const DEFAULT_PAGE = 1_000

interface SqliteLogParts {
  /** The path of the file. */
  readonly location: string
  readonly connection: Connection
  readonly appender: Appender
  readonly reader: Reader
  readonly index: EntryIndex
  readonly doorbell: Doorbell
  readonly tide: Tide
  /** Of which {@link Log.info} tells. */
  readonly cursors: SqliteCursors
  readonly leases: Leases
  readonly collections: Collections
  /** Aborted when the storage closes. */
  readonly closing: AbortSignal
}

/** The entries of a storage in one SQLite file. */
export class SqliteLog implements Log {
  readonly #parts: SqliteLogParts
  readonly #connection: Connection
  readonly #reader: Reader
  readonly #trimmer: Trimmer
  readonly #rewriter: Rewriter

  constructor(parts: SqliteLogParts) {
    this.#parts = parts
    this.#connection = parts.connection
    this.#reader = parts.reader
    this.#trimmer = new Trimmer(parts.connection, parts.index)
    this.#rewriter = new Rewriter(parts.connection, parts.index)
  }

  async append(
    entries: readonly AppendEntry[],
    { timeoutMs = this.#connection.options.timeoutMs, expected = [] }: AppendOptions = {}
  ): Promise<AppendResult[]> {
    this.#connection.assertOpen()
    const results = await this.#parts.appender.append(entries, timeoutMs, expected)
    this.#parts.doorbell.ring()
    return results
  }

  versionOf(streamKey: string): Promise<number> {
    return this.#parts.appender.versionOf(streamKey)
  }

  readStream(streamKey: string, range: StreamRange): Promise<StreamEntry[]> {
    return this.#reader.readStream(streamKey, range)
  }

  read(range: ReadRange): Promise<Page> {
    return this.#reader.read(range)
  }

  get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#reader.get(messageIds)
  }

  tail(from: Position, options: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Page> {
    // Where the tail starts is decided now, not when somebody asks for the first page.
    const behind = this.#connection.read(() => {
      assertLimit(options.limit ?? DEFAULT_PAGE)
      return this.#reader.resolve(from)
    })
    behind.catch(() => {})
    return this.#follow(behind, options)
  }

  async *#follow(
    behind: Promise<number>,
    { signal, limit = DEFAULT_PAGE }: { signal?: AbortSignal; limit?: number }
  ): AsyncGenerator<Page> {
    const { closing } = this.#parts
    const stops = signal === undefined ? [closing] : [closing, signal]
    let after = formatMessageId(await behind)
    using _ = this.#parts.tide.listen()
    while (!stops.some(({ aborted }) => aborted)) {
      const level = this.#parts.tide.level()
      const page = await this.#reader.read({ from: { after }, limit })
      if (page.entries.length === 0) {
        await this.#parts.tide.rise(level, stops)
      } else {
        after = page.position
        yield page
      }
    }
  }

  compare(a: Checkpoint, b: Checkpoint): number {
    return parseMessageId(a) - parseMessageId(b)
  }

  /** Of one partition. */
  advance(_: Checkpoint, messageId: MessageId): Checkpoint {
    return messageId
  }

  trim(target: TrimTarget, options: TrimOptions = {}): Promise<TrimResult> {
    return this.#trimmer.trim(target, options)
  }

  remove(messageIds: readonly MessageId[], options: TrimOptions = {}): Promise<TrimResult> {
    return this.#trimmer.remove(messageIds, options)
  }

  rewrite(rewrites: readonly Rewrite[]): Promise<number> {
    return this.#rewriter.rewrite(rewrites)
  }

  async rates(range: RateRange): Promise<Rate[]> {
    const { index, collections } = this.#parts
    return ratesOf(collections, () => this.#connection.snapshot(() => index.uncounted()), range)
  }

  async info(): Promise<LogInfo> {
    const { cursors, leases, collections } = this.#parts
    return withPartitioned({ log: this, cursors, leases, collections }, await this.#ownInfo())
  }

  #ownInfo(): Promise<LogInfo> {
    return this.#connection.snapshot(() => {
      this.#connection.assertFileStands()
      const summary = this.#connection.statement(SUMMARY).get() ?? {}
      const { clock, deduplicationWindowMs } = this.#connection.options
      const horizon = Math.max(0, Math.floor(clock.now() - deduplicationWindowMs) * IDS_PER_MS)
      const writeAheadLog = statSync(`${this.#parts.location}-wal`, { throwIfNoEntry: false })
      return {
        length: Number(summary.length),
        first: toPlace(summary.first_id),
        last: toPlace(summary.last_id),
        bytes: Number(summary.bytes) + (writeAheadLog?.size ?? 0),
        groups: this.#connection
          .statement(GROUPS)
          .all()
          .map(({ name }) => describeGroup(this.#connection, String(name))),
        cursors: this.#parts.cursors.all(),
        deduplicationEntries: countRecent(this.#connection, horizon)
      }
    })
  }

  bounds(): Promise<LogBounds> {
    return this.#connection.read(() => {
      const { first_id: firstId, last_id: lastId } = this.#connection.statement(BOUNDS).get() ?? {}
      return { first: toMessageId(firstId), last: lastId === 0 ? null : toMessageId(lastId) }
    })
  }
}

function toPlace(id: unknown): EntryPlace | null {
  return typeof id === 'number' ? { messageId: formatMessageId(id), appendedAt: timeOf(id) } : null
}

function toMessageId(id: unknown): MessageId | null {
  return typeof id === 'number' ? formatMessageId(id) : null
}
