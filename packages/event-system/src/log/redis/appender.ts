import { assertExpectedVersions, assertStreamKey } from '@tradpal/events'
import type { AppendEntry, AppendOptions, AppendResult } from '../port.ts'
import { mustBeSaid } from './arguments.ts'
import type { Connection } from './connection.ts'
import type { LogKeys } from './keys.ts'
import type { ResolvedRedisLogOptions } from './options.ts'
import { runScript } from './scripts.ts'
import { type AppendReply, appendResults, expectedArguments } from './versions.ts'

export type AppenderOptions = Pick<ResolvedRedisLogOptions, 'deduplicationWindowMs' | 'timeoutMs'>

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
    for (const { eventId, streamKey } of entries) {
      mustBeSaid('An event id', eventId)
      if (streamKey !== undefined) assertStreamKey(streamKey)
    }
    const { stream, deduplication, versions } = this.#keys
    const args = [
      this.#window,
      ...expectedArguments(expected),
      ...entries.flatMap((entry) => eventArguments(entry, entry.streamKey))
    ]
    const keys = [stream, ...deduplication, versions]
    const reply = await runScript<AppendReply>(this.#connection.durable, 'append', keys, args, timeoutMs)
    return appendResults(reply, entries, expected)
  }
}

/** An event as the scripts take it: see scripts/include/append.lua. */
export function eventArguments({ eventId, payload }: AppendEntry, streamKey = ''): string[] {
  return [eventId, payload, streamKey]
}
