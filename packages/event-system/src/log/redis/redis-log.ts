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
  TrimResult,
  TrimTarget
} from '../port.ts'
import { mustBeLimit, mustBeTrimTarget } from './arguments.ts'
import { Connection, type Reply } from './connection.ts'
import { deadLettersKey, RedisDeadLetters } from './dead-letters.ts'
import { Doorbell } from './doorbell.ts'
import { type EntryReply, toEntry } from './entries.ts'
import { closedError } from './errors.ts'
import { groupInfos } from './group-info.ts'
import {
  compareMessageIds,
  deliveredUpTo,
  mustBeMessageId,
  rangeEnd,
  rangeStart,
  timeOfMessageId
} from './message-id.ts'
import { type RedisLogOptions, type ResolvedRedisLogOptions, resolveRedisLogOptions } from './options.ts'
import { RedisGroup } from './redis-group.ts'
import { runScript } from './scripts.ts'

/** One step of a trim looks at so many entries: the server does nothing else meanwhile. */
const TRIM_STEP = 500

/** A log in Redis Streams. */
export class RedisLog implements EventLog {
  readonly kind = 'redis'
  readonly location: string
  readonly features: LogFeatures = { typeIndex: false, foreignWriters: true, persistent: true }
  readonly deadLetters: DeadLetters
  readonly #options: ResolvedRedisLogOptions
  readonly #stream: string
  readonly #deduplicationKeys: readonly string[]
  readonly #appendKeys: readonly string[]
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  #closed = false

  /** Throws `invalid_options`. Connects to nothing before `start()`. */
  constructor(options: RedisLogOptions = {}) {
    this.#options = resolveRedisLogOptions(options)
    this.#stream = this.#options.streamName
    this.#deduplicationKeys = [`${this.#stream}:dedup:0`, `${this.#stream}:dedup:1`]
    this.#appendKeys = [this.#stream, ...this.#deduplicationKeys]
    this.#connection = new Connection(this.#options)
    this.location = this.#connection.location
    this.#doorbell = new Doorbell(this.#connection, this.#stream)
    this.deadLetters = new RedisDeadLetters(this.#connection, this.#stream)
  }

  /** Tries for `connectTimeoutMs` to reach a server that is ready. */
  start(): Promise<void> {
    return this.#connection.open()
  }

  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed = true
    this.#doorbell.ringAll()
    await this.#connection.close(timeoutMs)
  }

  async append(entries: readonly AppendEntry[], { timeoutMs }: AppendOptions = {}): Promise<AppendResult[]> {
    const [first] = entries
    if (first === undefined) return []
    const window = String(this.#options.deduplicationWindowMs)
    const args = [window]
    for (const { eventId, payload } of entries) {
      if (eventId === '') throw new EventSystemError('invalid_argument', 'An event id must not be empty.')
      args.push(eventId, payload)
    }
    return entries.length === 1 && window !== '0' ? this.#appendOne(args, timeoutMs) : this.#appendAll(args, timeoutMs)
  }

  async #appendOne(args: readonly string[], timeoutMs?: number): Promise<AppendResult[]> {
    const reply = await this.#runAppend<string | [string]>('appendOne', args, timeoutMs)
    const isNew = typeof reply === 'string'
    return [{ messageId: isNew ? reply : reply[0], duplicate: !isNew }]
  }

  async #appendAll(args: readonly string[], timeoutMs?: number): Promise<AppendResult[]> {
    const [ids, duplicates] = await this.#runAppend<[string[], number[]]>('append', args, timeoutMs)
    const results = ids.map((messageId) => ({ messageId, duplicate: false }))
    for (const index of duplicates) results[index] = { messageId: ids[index] as string, duplicate: true }
    return results
  }

  #runAppend<R extends Reply>(script: 'append' | 'appendOne', args: readonly string[], timeoutMs?: number): Promise<R> {
    return runScript<R>(this.#connection, script, this.#appendKeys, args, timeoutMs)
  }

  async read({ from = 'start', to, direction = 'forward', limit }: ReadRange): Promise<Entry[]> {
    mustBeLimit(limit)
    const end = rangeEnd(to)
    if (from === 'end' || end === undefined) return []
    const start = rangeStart(from)
    const command =
      direction === 'forward' ? ['XRANGE', this.#stream, start, end] : ['XREVRANGE', this.#stream, end, start]
    const reply = await this.#connection.read<EntryReply[]>([...command, 'COUNT', String(limit)])
    return reply.map(toEntry)
  }

  async get(messageId: MessageId): Promise<Entry | undefined> {
    const id = mustBeMessageId(messageId)
    const [entry] = await this.#connection.read<EntryReply[]>(['XRANGE', this.#stream, id, id])
    return entry === undefined ? undefined : toEntry(entry)
  }

  tail(from: Position, { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {}): AsyncIterable<Entry[]> {
    // Where the end is is decided now, not when somebody asks for the first page.
    const behind = this.#behind(from, limit)
    behind.catch(() => {})
    return this.#follow(behind, limit, signal)
  }

  async #behind(from: Position, limit: number): Promise<MessageId> {
    mustBeLimit(limit)
    return from === 'end' ? this.#doorbell.newest() : deliveredUpTo(from)
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
    return new RedisGroup(name, this.#connection, this.#doorbell, this.#stream)
  }

  /**
   * In steps of 500 entries, so that the server is never held for long: what is appended meanwhile is kept. Bytes are
   * those that Redis takes for the stream, by the average of its entries, so that `maxBytes` is approximate.
   */
  async trim(target: TrimTarget, { force = false }: { force?: boolean } = {}): Promise<TrimResult> {
    mustBeTrimTarget(target)
    const before = 'before' in target ? String(target.before) : ''
    const args = [String(TRIM_STEP), before, String(await this.#lengthToKeep(target)), force ? '1' : '0']
    const result = { removed: 0, lost: 0, guarded: false }
    for (;;) {
      const [removed, lost, guarded] = await runScript<[number, number, number]>(
        this.#connection,
        'trim',
        [this.#stream],
        args
      )
      result.removed += removed
      result.lost += lost
      result.guarded ||= guarded === 1
      if (removed < TRIM_STEP) return result
    }
  }

  async #lengthToKeep(target: TrimTarget): Promise<number> {
    if ('before' in target) return 0
    if ('maxLength' in target) return target.maxLength
    const [length, bytes] = await Promise.all([
      this.#connection.read<number>(['XLEN', this.#stream]),
      this.#bytesOf(this.#stream)
    ])
    return bytes <= target.maxBytes ? length : Math.floor(length * (target.maxBytes / bytes))
  }

  async info(): Promise<LogInfo> {
    const stream = this.#stream
    const letters = deadLettersKey(stream)
    const keys = [stream, letters, ...this.#deduplicationKeys]
    const [length, [first], [last], groups, deadLetters, remembered, bytes] = await Promise.all([
      this.#connection.read<number>(['XLEN', stream]),
      this.#connection.read<EntryReply[]>(['XRANGE', stream, '-', '+', 'COUNT', '1']),
      this.#connection.read<EntryReply[]>(['XREVRANGE', stream, '+', '-', 'COUNT', '1']),
      groupInfos(this.#connection, stream),
      this.#connection.read<number>(['XLEN', letters]),
      Promise.all(this.#deduplicationKeys.map((key) => this.#connection.read<number>(['HLEN', key]))),
      Promise.all(keys.map((key) => this.#bytesOf(key)))
    ])
    return {
      length,
      firstId: first?.[0] ?? null,
      lastId: last?.[0] ?? null,
      bytes: bytes.reduce((sum, one) => sum + one, 0),
      groups,
      // Each hash has one field that is no event id.
      deduplicationEntries: remembered.reduce((sum, fields) => sum + Math.max(0, fields - 1), 0),
      deadLetters
    }
  }

  async ping(): Promise<void> {
    await this.#connection.read(['PING'])
  }

  async #bytesOf(key: string): Promise<number> {
    return (await this.#connection.read<number | null>(['MEMORY', 'USAGE', key])) ?? 0
  }
}
