import { assertExpectedVersions, assertStreamKey } from '@tradpal/events'
import type { AppendEntry, AppendOptions, AppendResult } from '../port.ts'
import { mustBeSaid } from './arguments.ts'
import type { Connection, Writer } from './connection.ts'
import type { LogKeys } from './keys.ts'
import type { ResolvedRedisLogOptions } from './options.ts'
import type { Partitions } from './partitions.ts'
import { type AppendReply, appendResults, expectedArguments } from './versions.ts'

export type AppenderOptions = Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'partitioning' | 'timeoutMs'>

/** Says for each entry which stream it goes to: the number of the stream of its type, or '' for the log's own. */
export type StreamNumbers = (entry: AppendEntry) => string

const ownStream: StreamNumbers = () => ''

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
    { timeoutMs = this.#timeoutMs, expected = [] }: AppendOptions = {}
  ): Promise<AppendResult[]> {
    assertExpectedVersions(expected)
    if (entries.length === 0) return []
    for (const { eventId, streamKey } of entries) {
      mustBeSaid('An event id', eventId)
      if (streamKey !== undefined) assertStreamKey(streamKey)
    }
    const { deduplication, bell, versions } = this.#keys
    const argumentsFor = (numberOf: StreamNumbers) => [
      this.#window,
      ...expectedArguments(expected),
      ...entries.flatMap((entry) => eventArguments(entry, numberOf(entry), entry.streamKey))
    ]
    // Sent at once where nothing has to be looked up, so that a close() that follows waits for it.
    const makeArguments = this.#isPartitioned
      ? async () => argumentsFor(await this.numbersOf(entries))
      : () => argumentsFor(ownStream)
    const keys = [...deduplication, bell, versions]
    const streams = () => (this.#isPartitioned ? this.#partitions.streams : [this.#keys.stream])
    const options = { timeoutMs, streams, writer: this.writer }
    const reply = await this.#partitions.runWith<AppendReply>('append', keys, makeArguments, options)
    return appendResults(reply, entries, expected)
  }

  /** Makes the streams that are missing. To be asked again whenever a script is run again. */
  async numbersOf(entries: readonly AppendEntry[]): Promise<StreamNumbers> {
    if (!this.#isPartitioned) return ownStream
    const numbers = await this.#partitions.numbersOf(entries.map(({ eventType }) => eventType))
    return ({ eventType }) => String(numbers.get(eventType))
  }
}

/** An event as the scripts take it: see scripts/include/append.lua. */
export function eventArguments({ eventId, payload }: AppendEntry, number: string, streamKey = ''): string[] {
  return [eventId, payload, number, streamKey]
}
