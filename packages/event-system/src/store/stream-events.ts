import {
  answerOf,
  assertFromVersion,
  assertStreamKey,
  onlyOptions,
  type ReadOptions,
  type StreamEvent
} from '@tradpal/events'
import { type EventCodec, prepareReading } from '../codec/index.ts'
import type { Storage } from '../log/index.ts'
import { decodeEntry } from './decode-entry.ts'

/** How many entries the first page has, which is enough for most streams, and each after it. */
const FIRST_PAGE = 100
const PAGE = 1_000

export interface StreamOptions<Raw extends boolean = false> extends ReadOptions<Raw> {
  /** From this version on. Default 1, the first. */
  readonly fromVersion?: number
}

/** Refuses with `invalid_argument` and `invalid_options`. */
export function streamEvents<Raw extends boolean>(
  parts: { readonly storage: Storage; readonly codec: EventCodec },
  streamKey: string,
  options: StreamOptions<Raw>
): AsyncGenerator<StreamEvent<Raw>, void> {
  onlyOptions('readStream()', options, { fromVersion: true, raw: true })
  const { fromVersion = 1, raw } = options
  assertStreamKey(streamKey)
  assertFromVersion(fromVersion)
  return read(fromVersion)

  async function* read(first: number): AsyncGenerator<StreamEvent<Raw>, void> {
    const { storage, codec } = parts
    for (let from = first, limit = FIRST_PAGE; ; limit = PAGE) {
      const entries = await storage.log.readStream(streamKey, { fromVersion: from, limit })
      await prepareReading(codec, entries)
      // Keys that were brought are here for this turn: the caller may take its time with the events.
      const events = entries.flatMap((entry): StreamEvent<Raw>[] => {
        const stored = decodeEntry(entry, codec, storage)
        return stored === undefined
          ? []
          : [{ ...answerOf<string, Raw>(stored, raw), streamKey, version: entry.version }]
      })
      yield* events
      const last = entries.at(-1)
      if (last === undefined || entries.length < limit) return
      from = last.version + 1
      // A log that answers synchronously would keep everybody else waiting until the end of the stream.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
