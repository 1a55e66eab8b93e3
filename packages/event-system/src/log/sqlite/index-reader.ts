import type { ReadRange } from '../port.ts'
import type { Connection } from './connection.ts'

/** Which ids, exclusive and inclusive, in which order, and how many. */
export interface Bounds {
  readonly behind: number
  readonly last: number
  readonly direction: 'forward' | 'backward'
  readonly limit: number
}

/** An entry in the order of event times. */
export interface TimedId {
  readonly eventTime: number
  readonly id: number
}

/** As {@link Bounds}, in the order of event times. */
export interface TimedBounds {
  readonly behind: TimedId
  readonly last: TimedId
  readonly direction: 'forward' | 'backward'
  readonly limit: number
}

type Order = 'ASC' | 'DESC'

const INDEXED = 'SELECT indexed_id, coalesce((SELECT min(id) FROM entries), 0) AS first_id FROM state'
const FIRST_SEGMENT = 'SELECT segment FROM segments WHERE last_id > ? ORDER BY last_id LIMIT 1'
const LAST_SEGMENT = 'SELECT segment FROM segments WHERE first_id <= ? ORDER BY first_id DESC LIMIT 1'
const LISTED = (parameter: string) => `(SELECT value FROM json_each(${parameter}))`
/** The labels of entries that the index has under these labels. */
const UNDER = (parameter: string) =>
  `(SELECT label FROM labels WHERE label IN ${LISTED(parameter)} UNION SELECT label FROM labels WHERE type IN ${LISTED(parameter)})`
const IN_SEGMENTS = (order: Order) => `
  SELECT by_label.id AS id FROM segments CROSS JOIN by_label USING (segment)
  WHERE segment BETWEEN ?1 AND ?2 AND label IN ${LISTED('?3')} AND id > ?4 AND id <= ?5 ORDER BY id ${order} LIMIT ?6`
const BEHIND_INDEX = (order: Order) => `
  SELECT id FROM entries WHERE id > ?1 AND id <= ?2 AND label IN ${UNDER('?3')} ORDER BY id ${order} LIMIT ?4`
const BETWEEN_TIMES = '(event_time, id) > (?1, ?2) AND (event_time, id) <= (?3, ?4)'
const SEGMENTS_BY_TIME: Readonly<Record<Order, string>> = {
  ASC: 'SELECT segment, min_time AS edge FROM segments WHERE max_time >= ?1 AND min_time <= ?2 ORDER BY min_time',
  DESC: 'SELECT segment, max_time AS edge FROM segments WHERE max_time >= ?1 AND min_time <= ?2 ORDER BY max_time DESC'
}
const TIMES_IN_SEGMENTS = (order: Order) => `
  SELECT event_time, id FROM by_label
  WHERE segment IN ${LISTED('?6')} AND label IN ${LISTED('?7')} AND id >= ?8 AND ${BETWEEN_TIMES}
  ORDER BY event_time ${order}, id ${order} LIMIT ?5`
const TIMES_BEHIND_INDEX = (order: Order) => `
  SELECT event_time, id FROM entries WHERE id > ?6 AND label IN ${UNDER('?7')} AND ${BETWEEN_TIMES}
  ORDER BY event_time ${order}, id ${order} LIMIT ?5`

/** Finds the ids of entries by their labels: in the segments of the index, and behind these in the log. To be called inside a step of the connection. */
export class IndexReader {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** In log order, or backward. Entries that were removed may be among them. */
  inLogOrder(labels: readonly number[], { behind, last, direction, limit }: Bounds): number[] {
    if (labels.length === 0) return []
    const { indexed_id: indexedId, first_id: firstId } = this.#connection.statement(INDEXED).get() ?? {}
    const from = Math.max(behind, Number(firstId) - 1)
    const listed = JSON.stringify(labels)
    const indexed = (limit: number) => this.#inSegments(listed, { behind: from, last, direction, limit })
    const rest = (limit: number) => {
      const sql = BEHIND_INDEX(orderOf(direction))
      const rows = this.#connection.statement(sql).all(Math.max(from, Number(indexedId)), last, listed, limit)
      return rows.map(({ id }) => Number(id))
    }
    const [near, far] = direction === 'forward' ? [indexed, rest] : [rest, indexed]
    const ids = near(limit)
    return ids.length < limit ? [...ids, ...far(limit - ids.length)] : ids
  }

  /** Segment by segment, twice as many with each look. */
  #inSegments(labels: string, { behind, last, direction, limit }: Bounds): number[] {
    const first = Number(this.#connection.statement(FIRST_SEGMENT).get(behind)?.segment ?? Number.POSITIVE_INFINITY)
    const final = Number(this.#connection.statement(LAST_SEGMENT).get(last)?.segment ?? Number.NEGATIVE_INFINITY)
    const statement = this.#connection.statement(IN_SEGMENTS(orderOf(direction)))
    const ids: number[] = []
    for (let looked = 0, size = 1; looked <= final - first && ids.length < limit; looked += size, size *= 2) {
      const [from, to] =
        direction === 'forward'
          ? [first + looked, Math.min(first + looked + size - 1, final)]
          : [Math.max(final - looked - size + 1, first), final - looked]
      const rows = statement.all(from, to, labels, behind, last, limit - ids.length)
      for (const { id } of rows) ids.push(Number(id))
    }
    return ids
  }

  /** In the order of event times, or backward. Entries that were removed may be among them. */
  inEventTime(labels: readonly number[], bounds: TimedBounds): TimedId[] {
    if (labels.length === 0) return []
    const { direction, limit } = bounds
    const order = orderOf(direction)
    const { indexed_id: indexedId, first_id: firstId } = this.#connection.statement(INDEXED).get() ?? {}
    const listed = JSON.stringify(labels)
    const rest = this.#connection.statement(TIMES_BEHIND_INDEX(order))
    let found = rest.all(...between(bounds), Number(indexedId), listed).map(toTimedId)
    const inSegments = this.#connection.statement(TIMES_IN_SEGMENTS(order))
    for (const { segments, edge } of this.#segmentsByTime(order, bounds)) {
      // What stands behind as many as are wanted is not looked for.
      const farthest = found.length === limit ? found.at(-1) : undefined
      if (farthest !== undefined && (order === 'ASC' ? edge > farthest.eventTime : edge < farthest.eventTime)) break
      const within = farthest === undefined ? bounds : upTo(farthest, bounds)
      const rows = inSegments.all(...between(within), JSON.stringify(segments), listed, Number(firstId))
      found = [...found, ...rows.map(toTimedId)].sort(comparison(order)).slice(0, limit)
    }
    return found
  }

  /** The segments that may have something, by the first time that they may have, twice as many with each look. */
  *#segmentsByTime(order: Order, { behind, last }: TimedBounds): Generator<{ segments: number[]; edge: number }> {
    const rows = this.#connection.statement(SEGMENTS_BY_TIME[order]).iterate(behind.eventTime, last.eventTime)
    let [segments, edge, size]: [number[], number, number] = [[], 0, 1]
    for (const row of rows) {
      if (segments.length === 0) edge = Number(row.edge)
      segments.push(Number(row.segment))
      if (segments.length < size) continue
      yield { segments, edge }
      segments = []
      size *= 2
    }
    if (segments.length > 0) yield { segments, edge }
  }
}

function orderOf(direction: NonNullable<ReadRange['direction']>): Order {
  return direction === 'forward' ? 'ASC' : 'DESC'
}

function between({ behind, last, limit }: TimedBounds): [number, number, number, number, number] {
  return [behind.eventTime, behind.id, last.eventTime, last.id, limit]
}

function upTo(farthest: TimedId, bounds: TimedBounds): TimedBounds {
  return bounds.direction === 'forward'
    ? { ...bounds, last: farthest }
    : { ...bounds, behind: { ...farthest, id: farthest.id - 1 } }
}

function toTimedId({ event_time: eventTime, id }: Record<string, unknown>): TimedId {
  return { eventTime: Number(eventTime), id: Number(id) }
}

function comparison(order: Order): (a: TimedId, b: TimedId) => number {
  const forward = (a: TimedId, b: TimedId) => a.eventTime - b.eventTime || a.id - b.id
  return order === 'ASC' ? forward : (a, b) => forward(b, a)
}
