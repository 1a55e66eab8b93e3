import { statSync } from 'node:fs'
import { LeasedGroup, partitionedNames, withPartitioned } from '../partitioned/index.ts'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Collections,
  ConsumerGroup,
  Cursors,
  Entry,
  EntryPlace,
  EventLog,
  Leases,
  LogBounds,
  LogFeatures,
  LogInfo,
  MessageId,
  PartitionedGroup,
  Position,
  ReadRange,
  Rewrite,
  StreamEntry,
  StreamRange,
  TrimOptions,
  TrimResult,
  TrimTarget,
  Unit,
  UnitResult
} from '../port.ts'
import { Appender } from './appender.ts'
import { assertLimit } from './arguments.ts'
import { SqliteCollections } from './collections.ts'
import { Committer } from './committer.ts'
import { Connection } from './connection.ts'
import { SqliteCursors } from './cursors.ts'
import { Documents } from './documents.ts'
import { Doorbell } from './doorbell.ts'
import { describeGroup } from './group-info.ts'
import { SqliteLeases } from './leases.ts'
import { formatMessageId, IDS_PER_MS, parseMessageId, timeOf } from './message-id.ts'
import { resolveSqliteLogOptions, type SqliteLogOptions } from './options.ts'
import { Reader } from './reader.ts'
import { countRecent } from './recent-ids.ts'
import { Rewriter } from './rewriter.ts'
import { SqliteGroup } from './sqlite-group.ts'
import { Tide } from './tide.ts'
import { Trimmer } from './trimmer.ts'

const SUMMARY = `
  SELECT added - removed AS length, (SELECT min(id) FROM entries) AS first_id, (SELECT max(id) FROM entries) AS last_id,
    (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes
  FROM state`
const BOUNDS = 'SELECT (SELECT min(id) FROM entries) AS first_id, last_id FROM state'
const GROUPS = 'SELECT name FROM groups ORDER BY name'
const LIVES = 'SELECT 1 FROM state'

const DEFAULT_PAGE = 1_000
const DEFAULT_CLOSE_TIMEOUT_MS = 5_000

/**
 * A log in one SQLite file, for any number of processes on one machine and nothing to install. Durable by
 * {@link SqliteLogOptions.durability}. Nobody writes past it, so it has no poison entries of others; it narrows a read by
 * type from an index. `trim({ maxBytes })` goes by the bytes of the payloads; the file itself keeps its size and is filled again.
 */
export class SqliteLog implements EventLog {
  readonly kind = 'sqlite'
  readonly location: string
  readonly features: LogFeatures = {
    typeIndex: true,
    foreignWriters: false,
    persistent: true,
    rewritesEntries: true,
    sharedCounters: false
  }
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections

  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #tide: Tide
  readonly #reader: Reader
  readonly #appender: Appender
  readonly #trimmer: Trimmer
  readonly #rewriter: Rewriter
  readonly #cursors: SqliteCursors
  readonly #committer: Committer
  readonly #closing = new AbortController()

  /** Throws `invalid_options`. */
  constructor(options: SqliteLogOptions = {}) {
    const resolved = resolveSqliteLogOptions(options)
    this.location = resolved.path
    this.#connection = new Connection(resolved)
    this.#doorbell = Doorbell.of(resolved.path)
    this.#tide = new Tide(this.#connection, this.#doorbell)
    this.#reader = new Reader(this.#connection)
    this.#appender = new Appender(this.#connection)
    this.#trimmer = new Trimmer(this.#connection)
    this.#rewriter = new Rewriter(this.#connection)
    const leases = new SqliteLeases(this.#connection)
    this.leases = leases
    this.#cursors = new SqliteCursors(this.#connection, this.#reader)
    this.cursors = this.#cursors
    const documents = new Documents(this.#connection)
    this.collections = new SqliteCollections(this.#connection, documents)
    this.#committer = new Committer({
      connection: this.#connection,
      appender: this.#appender,
      cursors: this.#cursors,
      documents,
      leases
    })
  }

  start(): Promise<void> {
    return this.#connection.open()
  }

  close({ timeoutMs = DEFAULT_CLOSE_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closing.abort()
    return this.#connection.close(timeoutMs)
  }

  async append(
    entries: readonly AppendEntry[],
    { timeoutMs = this.#connection.options.timeoutMs, expected = [] }: AppendOptions = {}
  ): Promise<AppendResult[]> {
    this.#connection.assertOpen()
    const results = await this.#appender.append(entries, timeoutMs, expected)
    this.#doorbell.ring()
    return results
  }

  versionOf(streamKey: string): Promise<number> {
    return this.#appender.versionOf(streamKey)
  }

  readStream(streamKey: string, range: StreamRange): Promise<StreamEntry[]> {
    return this.#reader.readStream(streamKey, range)
  }

  read(range: ReadRange): Promise<Entry[]> {
    return this.#reader.read(range)
  }

  get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#reader.get(messageIds)
  }

  tail(from: Position, options: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Entry[]> {
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
  ): AsyncGenerator<Entry[]> {
    const stops = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal]
    let last = formatMessageId(await behind)
    using _ = this.#tide.listen()
    while (!stops.some(({ aborted }) => aborted)) {
      const level = this.#tide.level()
      const page = await this.#reader.read({ from: { after: last }, limit })
      const newest = page.at(-1)
      if (newest === undefined) {
        await this.#tide.rise(level, stops)
      } else {
        last = newest.messageId
        yield page
      }
    }
  }

  compare(a: MessageId, b: MessageId): number {
    return parseMessageId(a) - parseMessageId(b)
  }

  group(name: string): ConsumerGroup {
    return new SqliteGroup(name, {
      connection: this.#connection,
      reader: this.#reader,
      tide: this.#tide,
      closing: this.#closing.signal
    })
  }

  partitioned(name: string): PartitionedGroup {
    return new LeasedGroup(name, this)
  }

  async commit(
    units: readonly Unit[],
    { timeoutMs = this.#connection.options.timeoutMs }: { timeoutMs?: number } = {}
  ): Promise<UnitResult[]> {
    const results = await this.#committer.commit(units, timeoutMs)
    this.#doorbell.ring()
    return results
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

  async groupNames(): Promise<string[]> {
    const own = await this.#connection.read(() => {
      const rows = this.#connection.statement(GROUPS).all()
      return rows.map(({ name }) => String(name))
    })
    return [...own, ...(await partitionedNames(this))]
  }

  async info(): Promise<LogInfo> {
    return withPartitioned(this, await this.#ownInfo())
  }

  #ownInfo(): Promise<LogInfo> {
    return this.#connection.snapshot(() => {
      this.#connection.assertFileStands()
      const summary = this.#connection.statement(SUMMARY).get() ?? {}
      const { clock, deduplicationWindowMs } = this.#connection.options
      const horizon = Math.max(0, Math.floor(clock.now() - deduplicationWindowMs) * IDS_PER_MS)
      const writeAheadLog = statSync(`${this.location}-wal`, { throwIfNoEntry: false })
      return {
        length: Number(summary.length),
        first: toPlace(summary.first_id),
        last: toPlace(summary.last_id),
        bytes: Number(summary.bytes) + (writeAheadLog?.size ?? 0),
        groups: this.#connection
          .statement(GROUPS)
          .all()
          .map(({ name }) => describeGroup(this.#connection, String(name))),
        cursors: this.#cursors.all(),
        deduplicationEntries: countRecent(this.#connection, horizon)
      }
    })
  }

  bounds(): Promise<LogBounds> {
    return this.#connection.read(() => {
      const { first_id: firstId, last_id: lastId } = this.#connection.statement(BOUNDS).get() ?? {}
      return { firstId: toMessageId(firstId), lastIssuedId: lastId === 0 ? null : toMessageId(lastId) }
    })
  }

  async ping(): Promise<void> {
    await this.#connection.read(() => {
      this.#connection.assertFileStands()
      return this.#connection.statement(LIVES).get()
    })
  }
}

function toPlace(id: unknown): EntryPlace | null {
  return typeof id === 'number' ? { messageId: formatMessageId(id), appendedAt: timeOf(id) } : null
}

function toMessageId(id: unknown): MessageId | null {
  return typeof id === 'number' ? formatMessageId(id) : null
}
