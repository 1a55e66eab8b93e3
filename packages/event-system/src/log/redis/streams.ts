import { assertFromVersion, assertStreamKey } from '@tradpal/events'
import type { Log, MessageId, StreamEntry, StreamRange } from '../port.ts'
import { mustBeLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { type LogKeys, streamIndexKey } from './keys.ts'
import { timeOfMessageId } from './message-id.ts'
import type { Placing } from './placing.ts'
import { runScript } from './scripts.ts'

/** So many entries of an index are read at once. */
const PAGE = 1_000
/** One step cuts so many entries from indexes, and looks at so many of them: the server does nothing else meanwhile. */
const STEP = 1_000
const INDEXES_STEP = 100

interface Place {
  readonly version: number
  readonly messageId: MessageId
}

/** The streams of stream keys: what scripts/include/streams.lua indexes. */
export class Streams {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #placing: Placing
  readonly #reader: Pick<Log, 'get' | 'read'>

  constructor(connection: Connection, keys: LogKeys, placing: Placing, reader: Pick<Log, 'get' | 'read'>) {
    this.#connection = connection
    this.#keys = keys
    this.#placing = placing
    this.#reader = reader
  }

  /** Rejects with `invalid_argument`. */
  async read(streamKey: string, { fromVersion, limit }: StreamRange): Promise<StreamEntry[]> {
    assertStreamKey(streamKey)
    assertFromVersion(fromVersion)
    mustBeLimit(limit)
    const found: StreamEntry[] = []
    for (let from = fromVersion, mayCut = true; ; ) {
      const count = Math.min(PAGE, limit - found.length)
      const places = await this.#places(streamKey, from, count)
      const entries = await this.#reader.get(places.map(({ messageId }) => messageId))
      for (const [i, { version }] of places.entries()) {
        const entry = entries[i]
        if (entry !== undefined) found.push({ ...entry, version })
        from = version + 1
      }
      if (places.length < count || found.length === limit) return found
      if (mayCut && entries.includes(undefined)) mayCut = (await this.#cutWhereAllowed(streamKey)) > 0
    }
  }

  /**
   * Cuts the indexes of the keys whose oldest events are gone, in steps, also those of keys that nobody writes any more. What is of the
   * very millisecond in which the log begins waits for a later call.
   */
  async cut(): Promise<void> {
    for (;;) {
      const [oldest] = (await this.#reader.read({ limit: 1 })).entries
      const before = oldest === undefined ? '+inf' : `(${timeOfMessageId(oldest.messageId)}`
      const streamKeys = await this.#connection.read<string[]>([
        'ZRANGEBYSCORE',
        this.#keys.streams,
        '-inf',
        before,
        'LIMIT',
        '0',
        String(INDEXES_STEP)
      ])
      if (streamKeys.length === 0 || (await this.#cut(streamKeys)) === 0) return
    }
  }

  /** Where the entries stand from this version on. The versions of an index have no gap, so that the oldest tells the place of each. */
  async #places(streamKey: string, from: number, count: number): Promise<Place[]> {
    const index = streamIndexKey(this.#keys, streamKey)
    for (let oldest = await this.#oldestIn(index); oldest !== undefined; ) {
      const start = Math.max(0, from - oldest.version)
      const [rows, oldestThen] = await Promise.all([
        this.#connection.read<string[]>(['LRANGE', index, String(start), String(start + count - 1)]),
        this.#oldestIn(index)
      ])
      // An index that begins elsewhere by then was cut between the reads.
      if (oldestThen?.version === oldest.version) return rows.map(placeOf)
      oldest = oldestThen
    }
    return []
  }

  async #oldestIn(index: string): Promise<Place | undefined> {
    const entry = await this.#connection.read<string | null>(['LINDEX', index, '0'])
    return entry === null ? undefined : placeOf(entry)
  }

  /** A user who may only read goes on reading: others append and trim. */
  #cutWhereAllowed(streamKey: string): Promise<number> {
    return this.#cut([streamKey]).catch(() => 0)
  }

  #cut(streamKeys: readonly string[]): Promise<number> {
    const { stream, streams } = this.#keys
    const indexes = streamKeys.map((key) => streamIndexKey(this.#keys, key))
    const keys = [stream, streams, ...indexes, ...this.#placing.otherStreams()]
    return runScript<number>(this.#connection, this.#placing.scripts.cutStreams, keys, [String(STEP), ...streamKeys])
  }
}

/** An entry of an index: a version, a space and a message id. */
function placeOf(entry: string): Place {
  const space = entry.indexOf(' ')
  return { version: Number(entry.slice(0, space)), messageId: entry.slice(space + 1) }
}
