import { assertExpectedVersions } from '@tradpal/events'
import { assertEntries } from '../entry-terms.ts'
import type { AppendEntry, AppendOptions, AppendResult } from '../port.ts'
import { mustBeSaid } from './arguments.ts'
import type { Connection } from './connection.ts'
import { type LogKeys, streamIndexKey } from './keys.ts'
import type { ResolvedRedisStorageOptions } from './options.ts'
import type { Placed, Placing } from './placing.ts'
import { runScript } from './scripts.ts'
import { type AppendReply, appendResults, expectedArguments, streamKeyArguments } from './versions.ts'

export type AppenderOptions = Pick<ResolvedRedisStorageOptions, 'deduplicationWindowMs' | 'timeoutMs'>

/** Appends to a log, in the way that its options say. */
export class Appender {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #placing: Placing
  readonly #window: string
  readonly #timeoutMs: number

  constructor(connection: Connection, keys: LogKeys, placing: Placing, options: AppenderOptions) {
    this.#connection = connection
    this.#keys = keys
    this.#placing = placing
    this.#window = String(options.deduplicationWindowMs)
    this.#timeoutMs = options.timeoutMs
  }

  async append(
    entries: readonly AppendEntry[],
    { timeoutMs = this.#timeoutMs, expected = [] }: AppendOptions = {}
  ): Promise<AppendResult[]> {
    assertExpectedVersions(expected)
    assertEntries(entries)
    if (entries.length === 0) return []
    const streamKeys = new Set<string>()
    for (const { eventId, streamKey } of entries) {
      mustBeSaid('An event id', eventId)
      if (streamKey !== undefined) streamKeys.add(streamKey)
    }
    const { stream, deduplication, versions, streams } = this.#keys
    const placed = this.#placing.place(entries)
    const args = [
      this.#window,
      ...expectedArguments(expected),
      ...streamKeyArguments([...streamKeys]),
      ...placed.args,
      ...entries.flatMap((entry) => eventArguments(entry, placed))
    ]
    const indexes = [...streamKeys].map((key) => streamIndexKey(this.#keys, key))
    const keys = [stream, ...deduplication, versions, streams, ...indexes, ...placed.keys]
    const { append } = this.#placing.scripts
    const reply = await runScript<AppendReply>(this.#connection.durable, append, keys, args, timeoutMs)
    const results = appendResults(reply, entries, expected)
    this.#placing.learn(results)
    return results
  }
}

/** An event as the scripts take it: see scripts/include/append.lua. */
export function eventArguments(entry: AppendEntry, placed: Placed): string[] {
  const { eventId, payload, streamKey = '' } = entry
  return [eventId, payload, streamKey, ...placed.of(entry)]
}
