import { assertStreamKey, EventSystemError } from '@tradpal/events'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  Collections,
  Counters,
  Cursors,
  Entry,
  EventLog,
  Leases,
  LogBounds,
  LogFeatures,
  LogInfo,
  LogWarning,
  MessageId,
  Position,
  ReadRange,
  TrimOptions,
  TrimResult,
  TrimTarget,
  Unit,
  UnitResult
} from '../port.ts'
import { Appender } from './appender.ts'
import { mustBeLimit } from './arguments.ts'
import { RedisCollections } from './collections.ts'
import { Committer } from './committer.ts'
import { Connection } from './connection.ts'
import { RedisCounters } from './counters.ts'
import { cursorInfos, RedisCursors } from './cursors.ts'
import { Doorbell } from './doorbell.ts'
import { EntryReader } from './entry-reader.ts'
import { closedError } from './errors.ts'
import { groupInfos, groupNamesIn } from './group-info.ts'
import { clusterPrefix, type LogKeys, logKeys } from './keys.ts'
import { mustBeKnownLayout } from './layout.ts'
import { RedisLeases } from './leases.ts'
import { Measures } from './measures.ts'
import { compareMessageIds, deliveredUpTo, mustBeMessageId } from './message-id.ts'
import { type RedisLogOptions, resolveRedisLogOptions } from './options.ts'
import { RedisGroup } from './redis-group.ts'
import { Safety } from './safety.ts'
import { Trimmer } from './trimmer.ts'

/** A log in Redis Streams. */
export class RedisLog implements EventLog {
  readonly kind = 'redis'
  readonly location: string
  readonly features: LogFeatures = {
    typeIndex: false,
    foreignWriters: true,
    persistent: true,
    rewritesEntries: false,
    sharedCounters: true
  }
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections
  readonly counters: Counters
  readonly #keys: LogKeys
  readonly #connection: Connection
  readonly #appender: Appender
  readonly #committer: Committer
  readonly #reader: EntryReader
  readonly #measures: Measures
  readonly #trimmer: Trimmer
  readonly #doorbell: Doorbell
  readonly #safety: Safety
  #closed = false

  /** Throws `invalid_options`. Connects to nothing before `start()`. */
  constructor(options: RedisLogOptions = {}) {
    const resolved = resolveRedisLogOptions(options)
    const { streamName, address } = resolved
    const keys = logKeys(streamName, address.kind === 'cluster' ? clusterPrefix(streamName) : streamName)
    const connection = new Connection(resolved, keys.confirmed)
    this.#keys = keys
    this.#connection = connection
    this.location = connection.location
    this.#appender = new Appender(connection, keys, resolved)
    this.#committer = new Committer(connection, keys, resolved)
    this.#reader = new EntryReader(connection, keys.stream)
    this.#measures = new Measures(connection, keys)
    this.#trimmer = new Trimmer(connection, keys, this.#measures)
    this.#doorbell = new Doorbell(connection.newBlockingLine(), connection, streamName)
    this.#safety = new Safety(connection, resolved.durability)
    this.leases = new RedisLeases(connection, keys.leases)
    this.cursors = new RedisCursors(connection, keys)
    this.collections = new RedisCollections(connection, this.#committer, keys)
    this.counters = new RedisCounters(connection, keys)
  }

  /** Tries for `connectTimeoutMs` to reach a server that is ready. Rejects with `log_incompatible` when an earlier version keeps this log in another layout. */
  async start(): Promise<void> {
    await this.#connection.open()
    await mustBeKnownLayout(this.#connection, this.#keys)
  }

  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed = true
    this.#doorbell.ringAll()
    await this.#connection.close(timeoutMs)
  }

  append(entries: readonly AppendEntry[], options: AppendOptions = {}): Promise<AppendResult[]> {
    return this.#appender.append(entries, options)
  }

  async versionOf(streamKey: string): Promise<number> {
    assertStreamKey(streamKey)
    return Number((await this.#connection.read<string | null>(['HGET', this.#keys.versions, streamKey])) ?? 0)
  }

  async read(range: ReadRange): Promise<Entry[]> {
    mustBeLimit(range.limit)
    return this.#reader.read(range)
  }

  async get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#reader.get(messageIds.map(mustBeMessageId))
  }

  tail(from: Position, { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Entry[]> {
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

  async *#follow(behind: Promise<MessageId>, limit: number, signal?: AbortSignal): AsyncGenerator<Entry[]> {
    let after = await behind
    if (this.#closed) throw closedError()
    while (!signal?.aborted && !this.#closed) {
      const [newest, entries] = await Promise.all([this.#doorbell.newest(), this.read({ from: { after }, limit })])
      const last = entries.at(-1)
      if (last === undefined) {
        await this.#doorbell.wait(newest, Number.POSITIVE_INFINITY, signal)
      } else {
        after = last.messageId
        yield entries
      }
    }
  }

  compare(a: MessageId, b: MessageId): number {
    return compareMessageIds(a, b)
  }

  group(name: string): RedisGroup {
    return new RedisGroup(name, {
      connection: this.#connection,
      doorbell: this.#doorbell,
      keys: this.#keys
    })
  }

  commit(units: readonly Unit[], options: { timeoutMs?: number } = {}): Promise<UnitResult[]> {
    return this.#committer.commit(units, options)
  }

  trim(target: TrimTarget, options: TrimOptions = {}): Promise<TrimResult> {
    return this.#trimmer.trim(target, options)
  }

  remove(messageIds: readonly MessageId[], options: TrimOptions = {}): Promise<TrimResult> {
    return this.#trimmer.remove(messageIds, options)
  }

  /** An entry of a stream is what it was added as. */
  rewrite(): Promise<number> {
    const message = 'Redis does not change the entries of a stream: an old key is needed until they are removed.'
    return Promise.reject(new EventSystemError('unsupported', message))
  }

  groupNames(): Promise<string[]> {
    return groupNamesIn(this.#connection, this.#keys.stream)
  }

  async info(): Promise<LogInfo> {
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

  async ping(): Promise<void> {
    await this.#connection.read(['PING'])
  }

  warnings(): Promise<LogWarning[]> {
    return this.#safety.warnings()
  }
}
