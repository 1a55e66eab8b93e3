import type { Entry, MessageId, ReadRange } from '../port.ts'
import type { Connection } from './connection.ts'
import { type EntryReply, toEntry } from './entries.ts'
import { rangeEnd, rangeStart } from './message-id.ts'

/** Reads what stands in a stream. */
export class EntryReader {
  readonly #connection: Connection
  readonly #stream: string

  constructor(connection: Connection, stream: string) {
    this.#connection = connection
    this.#stream = stream
  }

  /** The commands of one turn of the event loop go out together: this is one round trip. */
  async get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    const found = await Promise.all(messageIds.map((messageId) => this.#range('XRANGE', messageId, messageId, 1)))
    return found.map(([entry]) => entry)
  }

  async read({ from = 'start', to, direction = 'forward', limit }: ReadRange): Promise<Entry[]> {
    const last = rangeEnd(to)
    if (from === 'end' || last === undefined) return []
    const first = rangeStart(from)
    return direction === 'forward'
      ? this.#range('XRANGE', first, last, limit)
      : this.#range('XREVRANGE', last, first, limit)
  }

  async #range(command: 'XRANGE' | 'XREVRANGE', from: string, to: string, limit: number): Promise<Entry[]> {
    const replies = await this.#connection.read<EntryReply[]>([command, this.#stream, from, to, 'COUNT', String(limit)])
    return replies.map(toEntry)
  }
}
