import type { Entry, MessageId, ReadRange } from '../port.ts'
import type { Connection } from './connection.ts'
import { type EntryReply, toEntry } from './entries.ts'
import type { LogKeys } from './keys.ts'
import { rangeEnd, rangeStart } from './message-id.ts'
import type { Partitions } from './partitions.ts'

/** Reads what stands in the streams of a log, as one. */
export class EntryReader {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #partitions: Partitions

  constructor(connection: Connection, keys: LogKeys, partitions: Partitions) {
    this.#connection = connection
    this.#keys = keys
    this.#partitions = partitions
  }

  async get(messageId: MessageId): Promise<Entry | undefined> {
    const streams = () => [this.#partitions.streams[this.#partitions.numberOf(messageId)] as string]
    const [entry] = await this.#range({ start: () => messageId, end: messageId, limit: 1, streams })
    return entry
  }

  /** Where there are partitions, the types narrow which of them are read. */
  async read({ from = 'start', to, direction = 'forward', limit, eventTypes }: ReadRange): Promise<Entry[]> {
    const last = rangeEnd(to)
    if (from === 'end' || last === undefined) return []
    const first = rangeStart(from)
    const [start, end] = direction === 'forward' ? [first, last] : [last, first]
    const streams = () => (eventTypes === undefined ? this.#partitions.streams : this.#partitions.streamsOf(eventTypes))
    return this.#range({ direction, limit, start: () => start, end, streams })
  }

  /** The next entries behind these places, of which there is one for each stream. */
  behind(places: readonly MessageId[], limit: number): Promise<Entry[]> {
    return this.#range({
      start: (i) => `(${places[i] ?? '0-0'}`,
      end: '+',
      limit,
      streams: () => this.#partitions.streams
    })
  }

  async #range({ direction = 'forward', limit, start, end, streams }: Range): Promise<Entry[]> {
    if (!this.#partitions.areThere) {
      const command = direction === 'forward' ? 'XRANGE' : 'XREVRANGE'
      const [replies, partitions] = await Promise.all([
        this.#connection.read<EntryReply[]>([command, this.#keys.stream, start(0), end, 'COUNT', String(limit)]),
        this.#connection.read<number>(['EXISTS', this.#keys.partitions])
      ])
      if (partitions === 0) return replies.map(toEntry)
      await this.#partitions.load()
    }
    const replies = await this.#partitions.runWith<EntryReply[]>(
      'range',
      [],
      () => [direction, end, String(limit), ...streams().map((_, i) => start(i))],
      { streams }
    )
    return replies.map(toEntry)
  }
}

interface Range {
  readonly direction?: 'forward' | 'backward'
  /** Where it begins in the i-th of the streams, as XRANGE and XREVRANGE take it. */
  readonly start: (i: number) => string
  readonly end: string
  readonly limit: number
  /** Which streams are read, of those that there are. */
  readonly streams: () => readonly string[]
}
