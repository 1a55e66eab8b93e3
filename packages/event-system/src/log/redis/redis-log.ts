import { EventSystemError } from '@tradpal/events'
import type {
  AppendEntry,
  AppendOptions,
  AppendResult,
  DeadLetters,
  Entry,
  EventLog,
  LogFeatures,
  LogInfo,
  MessageId,
  Position,
  ReadRange,
  TrimOptions,
  TrimResult,
  TrimTarget
} from '../port.ts'
import { mustBeLimit, mustBeTrimTarget } from './arguments.ts'
import { Connection, type Reply } from './connection.ts'
import { RedisDeadLetters } from './dead-letters.ts'
import { Doorbell } from './doorbell.ts'
import type { EntryReply } from './entries.ts'
import { EntryReader } from './entry-reader.ts'
import { closedError } from './errors.ts'
import { groupInfos } from './group-info.ts'
import { clusterPrefix, groupKeys, type LogKeys, logKeys } from './keys.ts'
import {
  compareMessageIds,
  deliveredUpTo,
  greatestOf,
  leastOf,
  mustBeMessageId,
  timeOfMessageId
} from './message-id.ts'
import { type RedisLogOptions, type ResolvedRedisLogOptions, resolveRedisLogOptions } from './options.ts'
import { Partitions } from './partitions.ts'
import { RedisGroup } from './redis-group.ts'
import { runScript } from './scripts.ts'
import { type StepReply, TrimCount } from './trim-count.ts'

/** One step of a trim looks at so many entries: the server does nothing else meanwhile. */
const TRIM_STEP = 500

/** So many entries can be removed in one call. */
const MOST_TO_REMOVE = 10_000

/** A log in Redis Streams. */
export class RedisLog implements EventLog {
  readonly kind = 'redis'
  readonly location: string
  readonly features: LogFeatures = { typeIndex: false, foreignWriters: true, persistent: true }
  readonly deadLetters: DeadLetters
  readonly #options: ResolvedRedisLogOptions
  readonly #keys: LogKeys
  readonly #stream: string
  readonly #appendKeys: readonly string[]
  readonly #connection: Connection
  readonly #partitions: Partitions
  readonly #reader: EntryReader
  readonly #doorbell: Doorbell
  #closed = false

  /** Throws `invalid_options`. Connects to nothing before `start()`. */
  constructor(options: RedisLogOptions = {}) {
    this.#options = resolveRedisLogOptions(options)
    this.#stream = this.#options.streamName
    this.#keys = logKeys(
      this.#stream,
      this.#options.address.kind === 'cluster' ? clusterPrefix(this.#stream) : this.#stream
    )
    this.#appendKeys = [this.#stream, ...this.#keys.deduplication]
    this.#connection = new Connection(this.#options)
    this.location = this.#connection.location
    this.#partitions = new Partitions(this.#connection, this.#keys)
    this.#reader = new EntryReader(this.#connection, this.#keys, this.#partitions)
    this.#doorbell = new Doorbell(this.#connection.newBlockingLine(), this.#connection, [this.#stream, this.#keys.bell])
    this.deadLetters = new RedisDeadLetters(this.#connection, this.#keys, this.#partitions)
  }

  /** Tries for `connectTimeoutMs` to reach a server that is ready. */
  async start(): Promise<void> {
    await this.#connection.open()
    await this.#partitions.load()
  }

  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed = true
    this.#doorbell.ringAll()
    await this.#connection.close(timeoutMs)
  }

  async append(entries: readonly AppendEntry[], { timeoutMs }: AppendOptions = {}): Promise<AppendResult[]> {
    if (entries.length === 0) return []
    for (const { eventId } of entries) {
      if (eventId === '') throw new EventSystemError('invalid_argument', 'An event id must not be empty.')
    }
    const window = String(this.#options.deduplicationWindowMs)
    if (this.#options.partitioning === 'type') return this.#appendPartitioned(window, entries, timeoutMs)
    const args = [window]
    for (const { eventId, payload } of entries) args.push(eventId, payload)
    return entries.length === 1 && window !== '0' ? this.#appendOne(args, timeoutMs) : this.#appendAll(args, timeoutMs)
  }

  async #appendPartitioned(
    window: string,
    entries: readonly AppendEntry[],
    timeoutMs: number | undefined
  ): Promise<AppendResult[]> {
    const { deduplication, bell } = this.#keys
    const makeArguments = async () => {
      const numbers = await this.#partitions.numbersOf(entries.map(({ eventType }) => eventType))
      const args = [window]
      for (const { eventId, eventType, payload } of entries) args.push(eventId, payload, String(numbers.get(eventType)))
      return args
    }
    return toResults(
      await this.#partitions.runWith<AppendReply>('appendPartitioned', [...deduplication, bell], makeArguments, {
        timeoutMs
      })
    )
  }

  async #appendOne(args: readonly string[], timeoutMs?: number): Promise<AppendResult[]> {
    const reply = await this.#runAppend<string | [string]>('appendOne', args, timeoutMs)
    const isNew = typeof reply === 'string'
    return [{ messageId: isNew ? reply : reply[0], duplicate: !isNew }]
  }

  async #appendAll(args: readonly string[], timeoutMs?: number): Promise<AppendResult[]> {
    return toResults(await this.#runAppend<AppendReply>('append', args, timeoutMs))
  }

  #runAppend<R extends Reply>(script: 'append' | 'appendOne', args: readonly string[], timeoutMs?: number): Promise<R> {
    return runScript<R>(this.#connection, script, this.#appendKeys, args, timeoutMs)
  }

  async read(range: ReadRange): Promise<Entry[]> {
    mustBeLimit(range.limit)
    return this.#reader.read(range)
  }

  async get(messageId: MessageId): Promise<Entry | undefined> {
    return this.#reader.get(mustBeMessageId(messageId))
  }

  tail(from: Position, { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Entry[]> {
    // Where the end is is decided now, not when somebody asks for the first page.
    const behind = this.#behind(from, limit)
    behind.catch(() => {})
    return this.#follow(behind, limit, signal)
  }

  async #behind(from: Position, limit: number): Promise<MessageId> {
    mustBeLimit(limit)
    return from === 'end' ? greatestOf(await this.#doorbell.newest()) : deliveredUpTo(from)
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

  timeOf(messageId: MessageId): number {
    return timeOfMessageId(messageId)
  }

  group(name: string): RedisGroup {
    return new RedisGroup(name, {
      connection: this.#connection,
      doorbell: this.#doorbell,
      keys: this.#keys,
      partitions: this.#partitions,
      reader: this.#reader,
      options: this.#options
    })
  }

  /**
   * In steps of 500 entries, so that the server is never held for long: what is appended meanwhile is kept. Bytes are
   * those that Redis takes for the stream, by the average of its entries, so that `maxBytes` is approximate.
   */
  async trim(target: TrimTarget, { force = false, dryRun = false }: TrimOptions = {}): Promise<TrimResult> {
    mustBeTrimTarget(target)
    const before = 'before' in target ? String(target.before) : ''
    const bounds = [String(TRIM_STEP), before, String(await this.#lengthToKeep(target)), force ? '1' : '0']
    const count = new TrimCount()
    for (let from = '-'; ; ) {
      const args = [...bounds, from, dryRun ? String(count.removed) : '']
      const [removed, last] = count.add(await this.#step<[...StepReply, string]>('trim', args))
      if (removed < TRIM_STEP) return count.result()
      if (dryRun) from = `(${last}`
    }
  }

  async remove(
    messageIds: readonly MessageId[],
    { force = false, dryRun = false }: TrimOptions = {}
  ): Promise<TrimResult> {
    if (messageIds.length > MOST_TO_REMOVE) {
      const message = `At most ${MOST_TO_REMOVE} entries can be removed in one call, got ${messageIds.length}.`
      throw new EventSystemError('invalid_argument', message)
    }
    const ids = [...new Set(messageIds.map(mustBeMessageId))]
    const count = new TrimCount()
    for (let from = 0; from < ids.length; from += TRIM_STEP) {
      const args = [force ? '1' : '0', dryRun ? '1' : '0', ...ids.slice(from, from + TRIM_STEP)]
      count.add(await this.#step<StepReply>('remove', args))
    }
    return count.result()
  }

  #step<R extends Reply>(script: 'trim' | 'remove', args: readonly string[]): Promise<R> {
    return this.#partitions.run<R>(script, [], args)
  }

  async #lengthToKeep(target: TrimTarget): Promise<number> {
    if ('before' in target) return 0
    if ('maxLength' in target) return target.maxLength
    await this.#partitions.load()
    const { streams } = this.#partitions
    const [length, bytes] = await Promise.all([this.#lengthOf(streams), this.#bytesOf(streams)])
    return bytes <= target.maxBytes ? length : Math.floor(length * (target.maxBytes / bytes))
  }

  async info(): Promise<LogInfo> {
    await this.#partitions.load()
    const { streams } = this.#partitions
    const { deduplication, deadLetters: letters, actions, partitions, bell } = this.#keys
    const [length, firsts, lasts, groups, deadLetters, remembered, bytes] = await Promise.all([
      this.#lengthOf(streams),
      this.#outermost(['XRANGE', '-', '+'], streams),
      this.#outermost(['XREVRANGE', '+', '-'], streams),
      groupInfos(this.#connection, this.#keys, this.#partitions),
      this.#connection.read<number>(['XLEN', letters]),
      Promise.all(deduplication.map((key) => this.#connection.read<number>(['HLEN', key]))),
      this.#bytesOf([...streams, letters, actions, partitions, bell, ...deduplication])
    ])
    const groupBytes = groups.map(({ name }) => this.#bytesOf(Object.values(groupKeys(this.#keys, name)).flat()))
    return {
      length,
      firstId: firsts.length === 0 ? null : leastOf(firsts),
      lastId: lasts.length === 0 ? null : greatestOf(lasts),
      bytes: sum([bytes, ...(await Promise.all(groupBytes))]),
      groups,
      // Each hash has one field that is no event id.
      deduplicationEntries: sum(remembered.map((fields) => Math.max(0, fields - 1))),
      deadLetters
    }
  }

  async ping(): Promise<void> {
    await this.#connection.read(['PING'])
  }

  async #lengthOf(streams: readonly string[]): Promise<number> {
    return sum(await Promise.all(streams.map((stream) => this.#connection.read<number>(['XLEN', stream]))))
  }

  /** Of each stream the id of its first or last entry. */
  async #outermost([command, from, to]: [string, string, string], streams: readonly string[]): Promise<MessageId[]> {
    const replies = await Promise.all(
      streams.map((stream) => this.#connection.read<EntryReply[]>([command, stream, from, to, 'COUNT', '1']))
    )
    return replies.flat().map(([id]) => id)
  }

  async #bytesOf(keys: readonly string[]): Promise<number> {
    return sum(await Promise.all(keys.map((key) => this.#connection.read<number | null>(['MEMORY', 'USAGE', key]))))
  }
}

type AppendReply = [ids: string[], duplicates: number[]]

function toResults([ids, duplicates]: AppendReply): AppendResult[] {
  const results = ids.map((messageId) => ({ messageId, duplicate: false }))
  for (const index of duplicates) results[index] = { messageId: ids[index] as string, duplicate: true }
  return results
}

function sum(numbers: readonly (number | null)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0)
}
