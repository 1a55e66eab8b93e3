import { EventSystemError } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../port.ts'
import type { Connection, Reply, Writer } from './connection.ts'
import type { LogKeys } from './keys.ts'
import type { ResolvedRedisLogOptions } from './options.ts'
import type { Partitions } from './partitions.ts'
import { type Payloads, PLACE_FIELD } from './payloads.ts'
import { runScript } from './scripts.ts'
import type { StoredEntry } from './settlements.ts'

/** The field of an entry that holds its payload itself. */
const PAYLOAD_FIELD = 'event'

type AppendReply = [ids: string[], duplicates: number[]]

export type AppenderOptions = Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'partitioning'>

/** Appends to a log, in the way that its options say. */
export class Appender {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions
  readonly #payloads: Payloads | undefined
  readonly #isPartitioned: boolean
  readonly #window: string

  /** `payloads`: where those of what is appended are to stand elsewhere. */
  constructor(
    connection: Connection,
    keys: LogKeys,
    { partitions, payloads }: { partitions: Partitions; payloads: Payloads | undefined },
    options: AppenderOptions
  ) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
    this.#payloads = payloads
    this.#isPartitioned = options.partitioning === 'type'
    this.#window = String(options.deduplicationWindowMs)
  }

  /** What is appended by another script is written by this, to be as durable. */
  get writer(): Writer {
    return this.#connection.durable
  }

  /** What the field of an entry in a partition is called. */
  get field(): string {
    return this.#payloads === undefined ? PAYLOAD_FIELD : PLACE_FIELD
  }

  async append(entries: readonly AppendEntry[], timeoutMs?: number): Promise<AppendResult[]> {
    if (entries.length === 0) return []
    for (const { eventId } of entries) {
      if (eventId === '') throw new EventSystemError('invalid_argument', 'An event id must not be empty.')
    }
    if (this.#isPartitioned) return this.#appendPartitioned(entries, timeoutMs)
    const args = [this.#window]
    for (const { eventId, payload } of entries) args.push(eventId, payload)
    if (entries.length > 1 || this.#window === '0') {
      return toResults(await this.#run<AppendReply>('append', args, timeoutMs))
    }
    const reply = await this.#run<string | [string]>('appendOne', args, timeoutMs)
    const isNew = typeof reply === 'string'
    return [{ messageId: isNew ? reply : reply[0], duplicate: !isNew }]
  }

  async #appendPartitioned(entries: readonly AppendEntry[], timeoutMs?: number): Promise<AppendResult[]> {
    const { deduplication, bell } = this.#keys
    const places = await this.#payloads?.write(entries, timeoutMs)
    const makeArguments = async () => {
      const numbers = await this.#partitions.numbersOf(entries.map(({ eventType }) => eventType))
      const args = [this.#window, this.field]
      for (const [i, { eventId, eventType, payload }] of entries.entries()) {
        args.push(eventId, places?.[i] ?? payload, String(numbers.get(eventType)))
      }
      return args
    }
    const keys = [...deduplication, bell]
    return toResults(
      await this.#partitions.runWith<AppendReply>('appendPartitioned', keys, makeArguments, {
        timeoutMs,
        writer: this.#connection.durable
      })
    )
  }

  /**
   * For entries that another script appends: resolves to what says how each is appended, to be asked for anew whenever the
   * script is run. Payloads that stand elsewhere are written now.
   */
  async prepare(entries: readonly AppendEntry[]): Promise<() => Promise<(entry: AppendEntry) => StoredEntry>> {
    if (!this.#isPartitioned)
      return async () =>
        ({ payload }) => ({ content: payload, number: '' })
    const places = new Map<AppendEntry, string>()
    for (const [i, place] of ((await this.#payloads?.write(entries)) ?? []).entries()) {
      places.set(entries[i] as AppendEntry, place)
    }
    return async () => {
      const numbers = await this.#partitions.numbersOf(entries.map(({ eventType }) => eventType))
      return (entry) => ({
        content: places.get(entry) ?? entry.payload,
        number: String(numbers.get(entry.eventType))
      })
    }
  }

  #run<R extends Reply>(script: 'append' | 'appendOne', args: readonly string[], timeoutMs?: number): Promise<R> {
    const { stream, deduplication } = this.#keys
    return runScript<R>(this.#connection.durable, script, [stream, ...deduplication], args, timeoutMs)
  }
}

function toResults([ids, duplicates]: AppendReply): AppendResult[] {
  const results = ids.map((messageId) => ({ messageId, duplicate: false }))
  for (const index of duplicates) results[index] = { messageId: ids[index] as string, duplicate: true }
  return results
}
