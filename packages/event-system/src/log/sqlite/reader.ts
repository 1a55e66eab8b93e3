import { assertFromVersion, assertStreamKey } from '@tradpal/events'
import { assertKeys } from '../entry-terms.ts'
import { formatTimePlace, type TimePlace, timeBoundsOf } from '../event-time.ts'
import type { Checkpoint, Entry, MessageId, Page, Position, ReadRange, StreamEntry, StreamRange } from '../port.ts'
import { assertLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { type Bounds, IndexReader, type TimedId } from './index-reader.ts'
import { Labels } from './labels.ts'
import { firstIdAt, formatMessageId, lastIdAt, parseMessageId, timeOf } from './message-id.ts'

const LAST_ID = 'SELECT last_id FROM state'
const ENTRY = 'SELECT id, payload FROM entries WHERE id = ?'
const FORWARD = 'SELECT id, payload FROM entries WHERE id > ? AND id <= ? ORDER BY id LIMIT ?'
const BACKWARD = 'SELECT id, payload FROM entries WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT ?'
const OF_STREAM = `
  SELECT id, payload, version FROM entries WHERE stream_key = ? AND version >= ? ORDER BY version LIMIT ?`

type Row = Record<string, unknown>

/** Reads entries by position, by label and by event time, and those of a stream key by version. */
export class Reader {
  readonly #connection: Connection
  readonly #labels: Labels
  readonly #index: IndexReader

  constructor(connection: Connection) {
    this.#connection = connection
    this.#labels = new Labels(connection)
    this.#index = new IndexReader(connection)
  }

  /** The id that the entries of this position are behind. To be called inside a step of the connection. */
  resolve(position: Position): number {
    if (position === 'start') return 0
    if (position === 'end') return Number(this.#connection.statement(LAST_ID).get()?.last_id)
    if ('after' in position) return parseMessageId(position.after)
    return Math.max(0, firstIdAt(position.time) - 1)
  }

  read(range: ReadRange): Promise<Page> {
    return this.#connection.snapshot(() => {
      this.#connection.assertFileStands()
      assertLimit(range.limit)
      assertKeys(range.keys)
      return range.time === 'event' ? this.#inEventTime(range) : this.#inLogOrder(range)
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

  #inLogOrder({ from = 'start', to, direction = 'forward', limit, ...wanted }: ReadRange): Page {
    const bounds = { behind: this.resolve(from), last: this.#upperBound(to), direction, limit }
    const rows =
      wanted.eventTypes === undefined && wanted.keys === undefined
        ? this.#all(bounds)
        : this.#labelled(this.#labels.matching(wanted), bounds)
    const begin = direction === 'forward' ? bounds.behind : bounds.last
    const reached = rows.at(-1)?.id as number | undefined
    const next = reached === undefined ? begin : direction === 'forward' ? reached : reached - 1
    return { entries: rows.map(toEntry), from: formatMessageId(begin), position: formatMessageId(next) }
  }

  #all({ behind, last, direction, limit }: Bounds): Row[] {
    return this.#connection.statement(direction === 'forward' ? FORWARD : BACKWARD).all(behind, last, limit)
  }

  #labelled(labels: readonly number[], bounds: Bounds): Row[] {
    const { direction, limit } = bounds
    const page = this.#page(limit, bounds, (bounds, limit) => {
      const ids = this.#index.inLogOrder(labels, { ...bounds, direction, limit })
      return ids.map((id) => ({
        id,
        next: direction === 'forward' ? { ...bounds, behind: id } : { ...bounds, last: id - 1 }
      }))
    })
    return page.map(({ row }) => row)
  }

  #inEventTime({ from, to, direction = 'forward', limit, ...wanted }: ReadRange): Page {
    const { behind, last } = timeBoundsOf({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
    const labels = this.#labels.matching(wanted)
    const bounds = { behind: toTimedId(behind), last: toTimedId(last) }
    const page = this.#page(limit, bounds, (bounds, limit) =>
      this.#index.inEventTime(labels, { ...bounds, direction, limit }).map((at) => ({
        ...at,
        next: direction === 'forward' ? { ...bounds, behind: at } : { ...bounds, last: { ...at, id: at.id - 1 } }
      }))
    )
    const entries = page.map(({ row, found }) => ({ ...toEntry(row), eventTime: found.eventTime }))
    const [first, final] = [page[0]?.found, page.at(-1)?.found]
    if (first === undefined || final === undefined) {
      return { entries, from: formatTimePlace(behind), position: formatTimePlace(behind) }
    }
    return direction === 'forward'
      ? { entries, from: formatTimePlace(behind), position: toPosition(final.next.behind) }
      : { entries, from: toPosition(first), position: toPosition(final.next.last) }
  }

  /** A page of what `find` finds and is still there: entries that were removed may stand in the index. */
  #page<Range, Found extends { readonly id: number; readonly next: Range }>(
    limit: number,
    range: Range,
    find: (range: Range, limit: number) => readonly Found[]
  ): { readonly row: Row; readonly found: Found }[] {
    const entry = this.#connection.statement(ENTRY)
    const page: { row: Row; found: Found }[] = []
    for (let rest = range; ; ) {
      const wanted = limit - page.length
      const here = find(rest, wanted)
      for (const found of here) {
        const row = entry.get(found.id)
        if (row !== undefined) page.push({ row, found })
        rest = found.next
      }
      if (here.length < wanted || page.length === limit) return page
    }
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

function toTimedId({ eventTime, messageId }: TimePlace): TimedId {
  return { eventTime, id: parseMessageId(messageId) }
}

function toPosition({ eventTime, id }: TimedId): Checkpoint {
  return formatTimePlace({ eventTime, messageId: formatMessageId(id) })
}
