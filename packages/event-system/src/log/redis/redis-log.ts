import { assertStreamKey } from '@tradpal/events'
import { assertKeys } from '../entry-terms.ts'
import { withPartitioned } from '../partitioned/index.ts'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Checkpoint,
  CursorInfo,
  Entry,
  GroupInfo,
  Log,
  LogBounds,
  LogInfo,
  MessageId,
  Page,
  Position,
  Rate,
  RateRange,
  ReadRange,
  Storage,
  StreamEntry,
  StreamRange,
  TrimOptions,
  TrimResult,
  TrimTarget
} from '../port.ts'
import type { Appender } from './appender.ts'
import { mustBeLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { Doorbell } from './doorbell.ts'
import { closedError } from './errors.ts'
import type { LogKeys } from './keys.ts'
import type { Streams } from './streams.ts'

/** What depends on whether all entries stand in one stream, or those of each type in one of their own. */
export interface StreamParts {
  readonly reader: Pick<Log, 'get' | 'read'> & {
    /** A position as a checkpoint, decided now. Rejects with `invalid_message_id` and `invalid_argument`. */
    checkpointAt(from: Position): Promise<Checkpoint>
  }
  readonly streams: Streams
  readonly measures: Pick<Log, 'bounds'> & {
    length(): Promise<number>
    ends(): Promise<Pick<LogInfo, 'first' | 'last'>>
    bytes(groups: readonly string[]): Promise<number>
    remembered(): Promise<number>
  }
  readonly trimmer: Pick<Log, 'trim' | 'remove'>
  readonly order: Pick<Log, 'compare' | 'advance'>
  groups(): Promise<GroupInfo[]>
  cursors(): Promise<CursorInfo[]>
  /** {@link Log.rates}. */
  readonly rates?: (range: RateRange) => Promise<Rate[]>
}

interface RedisLogParts {
  /** {@link Log.info} tells of these. */
  readonly beside: Pick<Storage, 'cursors' | 'leases' | 'collections'>
  readonly connection: Connection
  readonly keys: LogKeys
  readonly doorbell: Doorbell
  readonly appender: Appender
  readonly parts: StreamParts
}

/** The entries of a storage in Redis. An entry of a stream is what it was added as: it cannot be rewritten. */
export class RedisLog implements Log {
  readonly #beside: RedisLogParts['beside']
  readonly #keys: LogKeys
  readonly #connection: Connection
  readonly #appender: Appender
  readonly #doorbell: Doorbell
  readonly #parts: StreamParts
  readonly rates?: (range: RateRange) => Promise<Rate[]>
  #ended = false

  constructor({ beside, connection, keys, doorbell, appender, parts }: RedisLogParts) {
    this.#beside = beside
    this.#keys = keys
    this.#connection = connection
    this.#appender = appender
    this.#doorbell = doorbell
    this.#parts = parts
    if (parts.rates !== undefined) this.rates = parts.rates
  }

  /** Ends every tail, once it is woken. */
  end(): void {
    this.#ended = true
  }

  append(entries: readonly AppendEntry[], options: AppendOptions = {}): Promise<AppendResult[]> {
    return this.#appender.append(entries, options)
  }

  async versionOf(streamKey: string): Promise<number> {
    assertStreamKey(streamKey)
    return Number((await this.#connection.read<string | null>(['HGET', this.#keys.versions, streamKey])) ?? 0)
  }

  readStream(streamKey: string, range: StreamRange): Promise<StreamEntry[]> {
    return this.#parts.streams.read(streamKey, range)
  }

  async read(range: ReadRange): Promise<Page> {
    mustBeLimit(range.limit)
    assertKeys(range.keys)
    return this.#parts.reader.read(range)
  }

  async get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#parts.reader.get(messageIds)
  }

  tail(from: Position, { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Page> {
    // Where the end is is decided now, not when somebody asks for the first page.
    const behind = this.#behind(from, limit)
    behind.catch(() => {})
    return this.#follow(behind, limit, signal)
  }

  async #behind(from: Position, limit: number): Promise<Checkpoint> {
    mustBeLimit(limit)
    return this.#parts.reader.checkpointAt(from)
  }

  async *#follow(behind: Promise<Checkpoint>, limit: number, signal?: AbortSignal): AsyncGenerator<Page> {
    let after = await behind
    if (this.#ended) throw closedError()
    while (!signal?.aborted && !this.#ended) {
      const found = await Promise.all([this.#doorbell.newest(), this.read({ from: { after }, limit })]).catch(
        (error) => {
          // A read of several commands may be cut short by the end.
          if (!this.#ended) throw error
        }
      )
      if (found === undefined) return
      const [newest, page] = found
      if (page.entries.length === 0) {
        await this.#doorbell.wait(newest, Number.POSITIVE_INFINITY, signal)
      } else {
        after = page.position
        yield page
      }
    }
  }

  compare(a: Checkpoint, b: Checkpoint): number | undefined {
    return this.#parts.order.compare(a, b)
  }

  advance(checkpoint: Checkpoint, messageId: MessageId): Checkpoint {
    return this.#parts.order.advance(checkpoint, messageId)
  }

  trim(target: TrimTarget, options: TrimOptions = {}): Promise<TrimResult> {
    return this.#parts.trimmer.trim(target, options)
  }

  remove(messageIds: readonly MessageId[], options: TrimOptions = {}): Promise<TrimResult> {
    return this.#parts.trimmer.remove(messageIds, options)
  }

  async info(): Promise<LogInfo> {
    return withPartitioned({ log: this, ...this.#beside }, await this.#ownInfo())
  }

  async #ownInfo(): Promise<LogInfo> {
    const { measures } = this.#parts
    const [length, ends, groups, cursors, deduplicationEntries] = await Promise.all([
      measures.length(),
      measures.ends(),
      this.#parts.groups(),
      this.#parts.cursors(),
      measures.remembered()
    ])
    return {
      length,
      ...ends,
      bytes: await measures.bytes(groups.map(({ name }) => name)),
      groups,
      cursors,
      deduplicationEntries
    }
  }

  bounds(): Promise<LogBounds> {
    return this.#parts.measures.bounds()
  }
}
