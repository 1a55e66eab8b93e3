import type { AppendEntry } from '../port.ts'
import type { Connection } from './connection.ts'
import { EventIdIndex } from './event-id-index.ts'

const INSERT = 'INSERT INTO recent (id, ordinal, event_id) VALUES (?, ?, ?)'
const EVENT_ID_AT = 'SELECT event_id FROM recent WHERE id = ?'
const NEXT_ROWS = 'SELECT id, event_id FROM recent WHERE id > ? ORDER BY id LIMIT ?'
/** Deletes at most ?2 of the oldest rows, below one bound. With two bounds SQLite would seek one, and compare each row with the other. */
const PRUNE = `
  DELETE FROM recent WHERE id < min(?1, coalesce((SELECT id FROM recent ORDER BY id LIMIT 1 OFFSET ?2), ?1))`
const COUNT = `
  SELECT added + 1 - coalesce((SELECT ordinal FROM recent WHERE id >= ? ORDER BY id LIMIT 1), added + 1) AS count FROM state`

/** A prune removes twice the rows that were inserted since the last one, and this many more. So it takes no longer than those appends took. */
const PRUNE_ROWS = 1_000
/** The most rows that one turn of the event loop reads. */
const CATCH_UP_PAGE = 5_000
/** In this time, in ms, other handles append few rows: the next transaction can read them. */
const MOMENT_MS = 100

/** How many entries are in the deduplication window, at or behind an id. */
export function countRecent(connection: Connection, horizon: number): number {
  return Number(connection.statement(COUNT).get(horizon)?.count)
}

/**
 * The deduplication window. The table `recent` has the event id of each entry, in the order of the log. An index on event
 * ids that come in no order would write a page of the file for each, so every handle has one in memory instead.
 */
export class RecentIds {
  readonly #connection: Connection
  readonly #index = new EventIdIndex()
  /** The last id that the index has. */
  #seen = 0
  #caughtUpAt = Number.NEGATIVE_INFINITY
  #insertedSincePrune = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get insertedSincePrune(): number {
    return this.#insertedSincePrune
  }

  /** Takes in what others appended at or behind `horizon`, a page a turn: what is left for {@link catchUp} in a transaction is little. */
  async approach(horizon: number): Promise<void> {
    if (performance.now() - this.#caughtUpAt < MOMENT_MS) return
    while ((await this.#connection.read(() => this.#takePage(horizon))) === CATCH_UP_PAGE) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Takes in the rest, up to the log's last id. */
  catchUp(horizon: number, lastId: number): void {
    this.#caughtUpAt = performance.now()
    if (this.#seen === lastId) return
    while (this.#takePage(horizon) === CATCH_UP_PAGE);
  }

  /** The id under which this event id was appended at or behind `horizon`. */
  find(eventId: string, horizon: number): number | undefined {
    const eventIdAt = this.#connection.statement(EVENT_ID_AT)
    // Another handle, with a shorter window, may have removed the row.
    return this.#index.find(eventId, (id) => id >= horizon && eventIdAt.get(id)?.event_id === eventId)
  }

  /** Inside a step of the connection: writes down what is appended. {@link add} it when the step is committed. */
  insert(entries: readonly AppendEntry[], firstId: number, firstOrdinal: number): void {
    const insert = this.#connection.statement(INSERT)
    for (const [i, { eventId }] of entries.entries()) insert.run(firstId + i, firstOrdinal + i, eventId)
    this.#insertedSincePrune += entries.length
  }

  /** Takes in what a step has committed: message ids by event id, in the order of the log. */
  add(committed: ReadonlyMap<string, number>): void {
    for (const [eventId, id] of committed) this.#add(eventId, id)
  }

  /** Inside a step of the connection: forgets what is before `horizon`, though in the table not all of it at once. */
  forget(horizon: number): void {
    this.#connection.statement(PRUNE).run(horizon, 2 * this.#insertedSincePrune + PRUNE_ROWS)
    this.#insertedSincePrune = 0
    this.#index.forget(horizon)
  }

  #add(eventId: string, id: number): void {
    this.#index.add(eventId, id)
    this.#seen = id
  }

  /** How many rows it took. */
  #takePage(horizon: number): number {
    const behind = Math.max(this.#seen, horizon - 1)
    const rows = this.#connection.statement(NEXT_ROWS).all(behind, CATCH_UP_PAGE)
    for (const { id, event_id } of rows) this.#add(String(event_id), Number(id))
    return rows.length
  }
}
