import { assertExpectedVersions, assertStreamKey, type StreamVersion } from '@tradpal/events'
import type { AppendEntry, AppendOptions, AppendResult, MessageId } from '../port.ts'
import { mustBeSaid } from './arguments.ts'
import type { Connection, Writer } from './connection.ts'
import type { LogKeys } from './keys.ts'
import type { ResolvedRedisLogOptions } from './options.ts'
import type { Partitions } from './partitions.ts'
import { rowsOf } from './rows.ts'
import { runScript } from './scripts.ts'
import type { StoredEntry } from './settlements.ts'
import { expectedArguments, placedAt, type VersionedReply, versionedResults } from './versions.ts'

/** Of ids that follow one on the other, the first alone. */
type AppendReply = [ids: string[] | string, duplicates: number[]]

const NOTHING: readonly StreamVersion[] = []

export type AppenderOptions = Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'partitioning' | 'timeoutMs'>

/** Appends to a log, in the way that its options say. */
export class Appender {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions
  readonly #isPartitioned: boolean
  readonly #window: string
  readonly #timeoutMs: number

  constructor(connection: Connection, keys: LogKeys, partitions: Partitions, options: AppenderOptions) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
    this.#isPartitioned = options.partitioning === 'type'
    this.#window = String(options.deduplicationWindowMs)
    this.#timeoutMs = options.timeoutMs
  }

  /** What is appended by another script is written by this, to be as durable. */
  get writer(): Writer {
    return this.#connection.durable
  }

  async append(
    entries: readonly AppendEntry[],
    { timeoutMs = this.#timeoutMs, expected = NOTHING }: AppendOptions = {}
  ): Promise<AppendResult[]> {
    assertExpectedVersions(expected)
    if (entries.length === 0) return []
    let isVersioned = expected.length > 0
    for (const { eventId, streamKey } of entries) {
      mustBeSaid('An event id', eventId)
      if (streamKey === undefined) continue
      assertStreamKey(streamKey)
      isVersioned = true
    }
    if (this.#isPartitioned) return this.#appendPartitioned(entries, timeoutMs, isVersioned ? expected : undefined)
    if (isVersioned) return this.#appendVersioned(entries, expected, timeoutMs)
    return this.#appendUnversioned(entries, timeoutMs)
  }

  async #appendUnversioned(entries: readonly AppendEntry[], timeoutMs: number): Promise<AppendResult[]> {
    const rows = rowsOf(entries, (args, { payload }) => args.push(payload))
    const { stream, deduplication } = this.#keys
    const writer = this.#connection.durable
    const args = [this.#window, ...rows]
    const reply = await runScript<AppendReply>(writer, 'append', [stream, ...deduplication], args, timeoutMs)
    return toResults(reply, entries.length)
  }

  async #appendVersioned(
    entries: readonly AppendEntry[],
    expected: readonly StreamVersion[],
    timeoutMs?: number
  ): Promise<AppendResult[]> {
    const { stream, deduplication, versions } = this.#keys
    const rows = rowsOf(entries, (args, { payload, streamKey = '' }) => args.push(payload, streamKey))
    const args = [this.#window, ...expectedArguments(expected), ...rows]
    const keys = [stream, ...deduplication, versions]
    const writer = this.#connection.durable
    const reply = await runScript<VersionedReply>(writer, 'appendVersioned', keys, args, timeoutMs)
    return versionedResults(reply, entries, expected)
  }

  /** `expected`: undefined where no stream key is named. Both ways take as many turns until they send, so that calls keep their order. */
  async #appendPartitioned(
    entries: readonly AppendEntry[],
    timeoutMs: number | undefined,
    expected: readonly StreamVersion[] | undefined
  ): Promise<AppendResult[]> {
    const { deduplication, bell, versions } = this.#keys
    const makeArguments = async () => {
      const numbers = await this.#partitions.numbersOf(entries.map(({ eventType }) => eventType))
      const args = [this.#window]
      if (expected !== undefined) args.push(...expectedArguments(expected))
      const rows = rowsOf(entries, (row, { eventType, payload, streamKey = '' }) => {
        row.push(payload, String(numbers.get(eventType)))
        if (expected !== undefined) row.push(streamKey)
      })
      return [...args, ...rows]
    }
    const options = { timeoutMs, writer: this.#connection.durable }
    const keys = [...deduplication, bell]
    if (expected === undefined) {
      const reply = await this.#partitions.runWith<AppendReply>('appendPartitioned', keys, makeArguments, options)
      return toResults(reply, entries.length)
    }
    keys.push(versions)
    const script = 'appendVersionedPartitioned'
    const reply = await this.#partitions.runWith<VersionedReply>(script, keys, makeArguments, options)
    return versionedResults(reply, entries, expected)
  }

  /**
   * For entries that another script appends: resolves to what says how each is appended, to be asked for anew whenever the
   * script is run.
   */
  prepare(entries: readonly AppendEntry[]): () => Promise<(entry: AppendEntry) => StoredEntry> {
    if (!this.#isPartitioned)
      return async () =>
        ({ payload }) => ({ content: payload, number: '' })
    return async () => {
      const numbers = await this.#partitions.numbersOf(entries.map(({ eventType }) => eventType))
      return (entry) => ({
        content: entry.payload,
        number: String(numbers.get(entry.eventType))
      })
    }
  }
}

function toResults([some, duplicates]: AppendReply, count: number): AppendResult[] {
  const ids = typeof some === 'string' ? idsFrom(some, count) : some
  const results = ids.map((messageId) => ({ messageId, duplicate: false }))
  for (const index of duplicates) {
    results[index] = { messageId: placedAt(ids[index] as string).messageId, duplicate: true }
  }
  return results
}

function idsFrom(first: MessageId, count: number): MessageId[] {
  const [ms, sequence] = first.split('-')
  return Array.from({ length: count }, (_, i) => `${ms}-${Number(sequence) + i}`)
}
