import { assertExpectedVersions, assertStreamKey } from '@tradpal/events'
import type { AppendEntry, AppendOptions, AppendResult } from '../port.ts'
import { mustBeSaid } from './arguments.ts'
import type { Connection } from './connection.ts'
import { type LogKeys, streamIndexKey } from './keys.ts'
import type { ResolvedRedisStorageOptions } from './options.ts'
import { runScript } from './scripts.ts'
import { type AppendReply, appendResults, expectedArguments, streamKeyArguments } from './versions.ts'

export type AppenderOptions = Pick<ResolvedRedisStorageOptions, 'deduplicationWindowMs' | 'timeoutMs'>

/** Appends to a log, in the way that its options say. */
export class Appender {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #window: string
  readonly #timeoutMs: number

  constructor(connection: Connection, keys: LogKeys, options: AppenderOptions) {
    this.#connection = connection
    this.#keys = keys
    this.#window = String(options.deduplicationWindowMs)
    this.#timeoutMs = options.timeoutMs
  }

  async append(
    entries: readonly AppendEntry[],
    { timeoutMs = this.#timeoutMs, expected = [] }: AppendOptions = {}
  ): Promise<AppendResult[]> {
    assertExpectedVersions(expected)
    if (entries.length === 0) return []
    const streamKeys = new Set<string>()
    for (const { eventId, streamKey } of entries) {
      mustBeSaid('An event id', eventId)
      if (streamKey === undefined) continue
      assertStreamKey(streamKey)
      streamKeys.add(streamKey)
    }
    const { stream, deduplication, versions, streams } = this.#keys
    const args = [
      this.#window,
      ...expectedArguments(expected),
      ...streamKeyArguments([...streamKeys]),
      ...entries.flatMap((entry) => eventArguments(entry, entry.streamKey))
    ]
    const indexes = [...streamKeys].map((key) => streamIndexKey(this.#keys, key))
    const keys = [stream, ...deduplication, versions, streams, ...indexes]
    const reply = await runScript<AppendReply>(this.#connection.durable, 'append', keys, args, timeoutMs)
    return appendResults(reply, entries, expected)
  }
}

/** An event as the scripts take it: see scripts/include/append.lua. */
export function eventArguments({ eventId, payload }: AppendEntry, streamKey = ''): string[] {
  return [eventId, payload, streamKey]
}
