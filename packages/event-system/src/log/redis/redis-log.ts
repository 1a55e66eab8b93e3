import { assertStreamKey } from '@tradpal/events'
import { withPartitioned } from '../partitioned/index.ts'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Checkpoint,
  Entry,
  Log,
  LogBounds,
  LogInfo,
  MessageId,
  Page,
  Position,
  ReadRange,
  Storage,
  StreamEntry,
  StreamRange,
  TrimOptions,
  TrimResult,
  TrimTarget
} from '../port.ts'
import { Appender } from './appender.ts'
import { mustBeLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { cursorInfos } from './cursors.ts'
import type { Doorbell } from './doorbell.ts'
import { EntryReader } from './entry-reader.ts'
import { closedError } from './errors.ts'
import { groupInfos } from './group-info.ts'
import type { LogKeys } from './keys.ts'
import { Measures } from './measures.ts'
import { compareMessageIds, deliveredUpTo, mustBeMessageId } from './message-id.ts'
import type { ResolvedRedisStorageOptions } from './options.ts'
import { Streams } from './streams.ts'
import { Trimmer } from './trimmer.ts'

interface RedisLogParts {
  readonly storage: Storage
  readonly connection: Connection
  readonly keys: LogKeys
  readonly doorbell: Doorbell
  readonly options: ResolvedRedisStorageOptions
}

/** The entries of a storage in Redis. An entry of a stream is what it was added as: it cannot be rewritten. */
export class RedisLog implements Log {
  readonly #storage: Storage
  readonly #keys: LogKeys
  readonly #connection: Connection
  readonly #appender: Appender
  readonly #reader: EntryReader
  readonly #streams: Streams
  readonly #measures: Measures
  readonly #trimmer: Trimmer
  readonly #doorbell: Doorbell
  #ended = false

  constructor({ storage, connection, keys, doorbell, options }: RedisLogParts) {
    this.#storage = storage
    this.#keys = keys
    this.#connection = connection
    this.#appender = new Appender(connection, keys, options)
    this.#reader = new EntryReader(connection, keys.stream)
    this.#measures = new Measures(connection, keys)
    this.#streams = new Streams(connection, keys, this.#reader)
    this.#trimmer = new Trimmer(connection, keys, this.#measures, this.#streams)
    this.#doorbell = doorbell
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
    return this.#streams.read(streamKey, range)
  }

  async read(range: ReadRange): Promise<Page> {
    mustBeLimit(range.limit)
    return this.#reader.read(range)
  }

  async get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#reader.get(messageIds.map(mustBeMessageId))
  }

  tail(from: Position, { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Page> {
    // Where the end is is decided now, not when somebody asks for the first page.
    const behind = this.#behind(from, limit)
    behind.catch(() => {})
    return this.#follow(behind, limit, signal)
  }

  async #behind(from: Position, limit: number): Promise<MessageId> {
    mustBeLimit(limit)
    if (from !== 'end') return deliveredUpTo(from)
    return this.#doorbell.newest()
  }

  async *#follow(behind: Promise<MessageId>, limit: number, signal?: AbortSignal): AsyncGenerator<Page> {
    let after = await behind
    if (this.#ended) throw closedError()
    while (!signal?.aborted && !this.#ended) {
      const [newest, page] = await Promise.all([this.#doorbell.newest(), this.read({ from: { after }, limit })])
      if (page.entries.length === 0) {
        await this.#doorbell.wait(newest, Number.POSITIVE_INFINITY, signal)
      } else {
        after = page.position
        yield page
      }
    }
  }

  compare(a: Checkpoint, b: Checkpoint): number {
    return compareMessageIds(a, b)
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

  async info(): Promise<LogInfo> {
    return withPartitioned(this.#storage, await this.#ownInfo())
  }

  async #ownInfo(): Promise<LogInfo> {
    const [length, ends, groups, cursors, deduplicationEntries] = await Promise.all([
      this.#measures.length(),
      this.#measures.ends(),
      groupInfos(this.#connection, this.#keys),
      cursorInfos(this.#connection, this.#keys),
      this.#measures.remembered()
    ])
    return {
      length,
      ...ends,
      bytes: await this.#measures.bytes(groups.map(({ name }) => name)),
      groups,
      cursors,
      deduplicationEntries
    }
  }

  bounds(): Promise<LogBounds> {
    return this.#measures.bounds()
  }
}
