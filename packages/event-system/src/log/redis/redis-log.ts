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
import { Connection } from './connection.ts'
import { deadLettersKey, RedisDeadLetters } from './dead-letters.ts'
import { Doorbell } from './doorbell.ts'
import { type EntryReply, toEntry } from './entries.ts'
import { compareMessageIds, deliveredUpTo, mustBeMessageId, rangeEnd, rangeStart, timeOfMessageId } from './message-id.ts'
import { type RedisLogOptions, type ResolvedRedisLogOptions, resolveRedisLogOptions } from './options.ts'
import { groupInfos, RedisGroup } from './redis-group.ts'
import { runScript } from './scripts.ts'

/** One step of a trim looks at so many entries: the server does nothing else meanwhile. */
const TRIM_STEP = 1_000
/** A tail looks again after so long, in ms, in case a wake-up was lost. */
const TAIL_WAIT_MS = 5_000

/** A log in Redis Streams. */
export class RedisLog implements EventLog {
  readonly kind = 'redis'
  readonly location: string
  readonly features: LogFeatures = { typeIndex: false, foreignWriters: true, persistent: true }
  readonly deadLetters: DeadLetters
  readonly #options: ResolvedRedisLogOptions
  readonly #stream: string
  readonly #deduplicationKeys: readonly string[]
  readonly #connection: Connection
  readonly #doorbell: Doorbell
  #closed = false

  /** Throws `invalid_options`. Connects to nothing before `start()`. */
  constructor(options: RedisLogOptions = {}) {
    this.#options = resolveRedisLogOptions(options)
    this.#stream = this.#options.streamName
    this.#deduplicationKeys = [`${this.#stream}:dedup:0`, `${this.#stream}:dedup:1`]
    this.#connection = new Connection(this.#options)
    this.location = this.#connection.location
    this.#doorbell = new Doorbell(this.#connection, this.#stream)
    this.deadLetters = new RedisDeadLetters(this.#connection, this.#stream)
  }

  async start(): Promise<void> {
    await this.#connection.open()
    const type = await this.#connection.read<string>(['TYPE', this.#stream])
    if (type === 'stream' || type === 'none') return
    throw new EventSystemError(
      'log_incompatible',
      `The key ${this.#stream} in Redis at ${this.location} is a ${type}, no stream; choose another EVENT_STREAM_NAME.`
    )
  }

  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed = true
    this.#doorbell.ringAll()
    await this.#connection.close(timeoutMs)
  }

  async append(entries: readonly AppendEntry[], options: AppendOptions = {}): Promise<AppendResult[]> {
    if (entries.length === 0) return []
    const args = [String(this.#options.deduplicationWindowMs)]
    for (const { eventId, payload } of entries) args.push(eventId, payload)
    const keys = [this.#stream, ...this.#deduplicationKeys]
    const [ids, duplicates] = await runScript<[string[], number[]]>(
      this.#connection,
      'append',
      keys,
      args,
      options.timeoutMs
    )
    const results = ids.map((messageId) => ({ messageId, duplicate: false }))
    for (const index of duplicates) results[index] = { messageId: ids[index] as string, duplicate: true }
    return results
  }

  async read({ from = 'start', to, direction = 'forward', limit }: ReadRange): Promise<Entry[]> {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new EventSystemError('invalid_argument', `limit must be a whole number of at least 1, got ${limit}.`)
    }
    const end = rangeEnd(to)
    if (from === 'end' || end === undefined) return []
    const start = rangeStart(from)
    const command = direction === 'forward' ? ['XRANGE', this.#stream, start, end] : ['XREVRANGE', this.#stream, end, start]
    const reply = await this.#connection.read<EntryReply[]>([...command, 'COUNT', String(limit)])
    return reply.map(toEntry)
  }

  async get(messageId: MessageId): Promise<Entry | undefined> {
    const id = mustBeMessageId(messageId)
    const [entry] = await this.#connection.read<EntryReply[]>(['XRANGE', this.#stream, id, id])
    return entry === undefined ? undefined : toEntry(entry)
  }

  async *tail(from: Position, { signal, limit = 200 }: { signal?: AbortSignal; limit?: number } = {}): AsyncGenerator<Entry[]> {
    let after = from === 'end' ? await this.#doorbell.newest() : deliveredUpTo(from)
    while (!signal?.aborted && !this.#closed) {
      const [newest, entries] = await Promise.all([this.#doorbell.newest(), this.read({ from: { after }, limit })])
      const last = entries.at(-1)
      if (last === undefined) {
        await this.#doorbell.wait(newest, TAIL_WAIT_MS, signal)
        continue
      }
      after = last.messageId
      yield entries
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
   * In steps of 1,000 entries, so that the server is never held for long: what is appended meanwhile is kept. Bytes are
   * those that Redis takes for the stream, by the average of its entries, so that `maxBytes` is approximate.
   */
  async trim(target: TrimTarget, { force = false }: { force?: boolean } = {}): Promise<TrimResult> {
    let left = await this.#countToRemove(target)
    const before = 'before' in target ? String(target.before) : ''
    const result = { removed: 0, lost: 0, guarded: false }
    while (left > 0) {
      const step = Math.min(left, TRIM_STEP)
      const args = [String(step), before, force ? '1' : '0']
      const [removed, lost, guarded] = await runScript<[number, number, number]>(this.#connection, 'trim', [this.#stream], args)
      result.removed += removed
      result.lost += lost
      result.guarded ||= guarded === 1
      left -= removed
      if (removed < step) break
    }
    return result
  }

  async #countToRemove(target: TrimTarget): Promise<number> {
    const length = await this.#connection.read<number>(['XLEN', this.#stream])
    if ('before' in target) return length
    if ('maxLength' in target) return length - target.maxLength
    const bytes = await this.#bytesOf(this.#stream)
    return bytes <= target.maxBytes ? 0 : Math.ceil(length * (1 - target.maxBytes / bytes))
  }

  async info(): Promise<LogInfo> {
    const stream = this.#stream
    const letters = deadLettersKey(stream)
    const keys = [stream, letters, ...this.#deduplicationKeys]
    const [length, [first], lastId, groups, deadLetters, remembered, bytes] = await Promise.all([
      this.#connection.read<number>(['XLEN', stream]),
      this.#connection.read<EntryReply[]>(['XRANGE', stream, '-', '+', 'COUNT', '1']),
      this.#doorbell.newest(),
      groupInfos(this.#connection, stream),
      this.#connection.read<number>(['XLEN', letters]),
      Promise.all(this.#deduplicationKeys.map((key) => this.#connection.read<number>(['HLEN', key]))),
      Promise.all(keys.map((key) => this.#bytesOf(key)))
    ])
    return {
      length,
      firstId: first?.[0] ?? null,
      lastId: length === 0 ? null : lastId,
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
