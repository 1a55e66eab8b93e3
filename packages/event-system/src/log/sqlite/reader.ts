import { assertFromVersion, assertStreamKey } from '@tradpal/events'
import type { Entry, MessageId, Page, Position, ReadRange, StreamEntry, StreamRange } from '../port.ts'
import { assertLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { firstIdAt, formatMessageId, lastIdAt, parseMessageId, timeOf } from './message-id.ts'

const LAST_ID = 'SELECT last_id FROM state'
const ENTRY = 'SELECT id, payload FROM entries WHERE id = ?'
const FORWARD = 'SELECT id, payload FROM entries WHERE id > ? AND id <= ? ORDER BY id LIMIT ?'
const BACKWARD = 'SELECT id, payload FROM entries WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT ?'
const OF_STREAM = `
  SELECT id, payload, version FROM entries WHERE stream_key = ? AND version >= ? ORDER BY version LIMIT ?`
const IDS_OF_TYPE_FORWARD = 'SELECT id FROM entries WHERE event_type = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?'
const IDS_OF_TYPE_BACKWARD =
  'SELECT id FROM entries WHERE event_type = ? AND id > ? AND id <= ? ORDER BY id DESC LIMIT ?'

type Row = Record<string, unknown>

/** Which ids, exclusive and inclusive, in which order, and how many. */
interface Bounds {
  readonly behind: number
  readonly last: number
  readonly direction: 'forward' | 'backward'
  readonly limit: number
}

/** Reads entries by position, and those of a stream key by version. */
export class Reader {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The id that the entries of this position are behind. To be called inside a step of the connection. */
  resolve(position: Position): number {
    if (position === 'start') return 0
    if (position === 'end') return Number(this.#connection.statement(LAST_ID).get()?.last_id)
    if ('after' in position) return parseMessageId(position.after)
    return Math.max(0, firstIdAt(position.time) - 1)
  }

  read({ from = 'start', to, direction = 'forward', limit, eventTypes }: ReadRange): Promise<Page> {
    return this.#connection.snapshot(() => {
      this.#connection.assertFileStands()
      assertLimit(limit)
      const behind = this.resolve(from)
      const last = this.#upperBound(to)
      const rows =
        eventTypes === undefined
          ? this.#connection.statement(direction === 'forward' ? FORWARD : BACKWARD).all(behind, last, limit)
          : this.#readTypes(new Set(eventTypes), { behind, last, direction, limit })
      const begin = direction === 'forward' ? behind : last
      const reached = rows.at(-1)?.id as number | undefined
      const next = reached === undefined ? begin : direction === 'forward' ? reached : reached - 1
      return { entries: rows.map(toEntry), from: formatMessageId(begin), position: formatMessageId(next) }
    })
  }

  readStream(streamKey: string, { fromVersion, limit }: StreamRange): Promise<StreamEntry[]> {
    return this.#connection.read(() => {
      this.#connection.assertFileStands()
      assertStreamKey(streamKey)
      assertFromVersion(fromVersion)
      assertLimit(limit)
      const rows = this.#connection.statement(OF_STREAM).all(streamKey, fromVersion, limit)
      return rows.map((row) => ({ ...toEntry(row), version: Number(row.version) }))
    })
  }

  get(messageIds: readonly MessageId[]): Promise<(Entry | undefined)[]> {
    return this.#connection.snapshot(() => {
      const entry = this.#connection.statement(ENTRY)
      const rows = messageIds.map(parseMessageId).map((id) => entry.get(id))
      return rows.map((row) => row && toEntry(row))
    })
  }

  /** A page of each type from the index, merged: no more entries are looked at than types times the limit. */
  #readTypes(types: ReadonlySet<string>, { behind, last, direction, limit }: Bounds): Row[] {
    const idsOfType = this.#connection.statement(direction === 'forward' ? IDS_OF_TYPE_FORWARD : IDS_OF_TYPE_BACKWARD)
    const ids = [...types].flatMap((type) => idsOfType.all(type, behind, last, limit).map(({ id }) => Number(id)))
    ids.sort(direction === 'forward' ? (a, b) => a - b : (a, b) => b - a)
    const entry = this.#connection.statement(ENTRY)
    return ids
      .slice(0, limit)
      .map((id) => entry.get(id))
      .filter((row) => row !== undefined)
  }

  /** The last id that is wanted, which is none that is still to come. */
  #upperBound(to: ReadRange['to']): number {
    const end = this.resolve('end')
    if (to === undefined) return end
    return Math.min(end, 'time' in to ? Math.max(0, lastIdAt(to.time)) : parseMessageId(to.checkpoint))
  }
}

/** A row of an entry. */
function toEntry({ id, payload }: Row): Entry {
  return { messageId: formatMessageId(id as number), appendedAt: timeOf(id as number), payload: payload as string }
}
