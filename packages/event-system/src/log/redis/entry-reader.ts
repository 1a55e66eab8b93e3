import type { Checkpoint, Entry, MessageId, Page, Position, ReadRange } from '../port.ts'
import { mustBeLogTime } from './arguments.ts'
import type { Connection } from './connection.ts'
import { type EntryReply, toEntry } from './entries.ts'
import { deliveredUpTo, justBefore, mustBeMessageId, rangeEnd, rangeStart } from './message-id.ts'

/** Reads what stands in a stream. */
export class EntryReader {
  readonly #connection: Connection
  readonly #stream: string

  constructor(connection: Connection, stream: string) {
    this.#connection = connection
    this.#stream = stream
  }

  /** A position as the id that it stands behind. */
  async checkpointAt(from: Position): Promise<Checkpoint> {
    return from === 'end' ? this.newest() : deliveredUpTo(from)
  }

  /** The commands of one turn of the event loop go out together: this is one round trip. */
  async get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    const ids = messageIds.map(mustBeMessageId)
    const found = await Promise.all(ids.map((messageId) => this.#range('XRANGE', messageId, messageId, 1)))
    return found.map(([entry]) => entry)
  }

  /** Rejects with `unsupported` where a read is to be in the order of event times. */
  async read({ from = 'start', to, direction = 'forward', limit, time }: ReadRange): Promise<Page> {
    mustBeLogTime(time)
    const behind = await this.checkpointAt(from)
    const last = rangeEnd(to)
    if (from === 'end' || last === undefined) return { entries: [], from: behind, position: behind }
    const first = rangeStart(from)
    if (direction === 'forward') {
      const entries = await this.#range('XRANGE', first, last, limit)
      return { entries, from: behind, position: entries.at(-1)?.messageId ?? behind }
    }
    const entries = await this.#range('XREVRANGE', last, first, limit)
    const [newest, oldest] = [entries[0], entries.at(-1)]
    if (newest === undefined || oldest === undefined) return { entries, from: behind, position: behind }
    return { entries, from: newest.messageId, position: justBefore(oldest.messageId) }
  }

  /** The id of the newest entry that is there; `0-0` without one. */
  async newest(): Promise<MessageId> {
    const [newest] = await this.#range('XREVRANGE', '+', '-', 1)
    return newest?.messageId ?? '0-0'
  }

  async #range(command: 'XRANGE' | 'XREVRANGE', from: string, to: string, limit: number): Promise<Entry[]> {
    const replies = await this.#connection.read<EntryReply[]>([command, this.#stream, from, to, 'COUNT', String(limit)])
    return replies.map(toEntry)
  }
}
