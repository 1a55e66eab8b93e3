import type { Connection } from './connection.ts'
import { Generation } from './generation.ts'
import { type IdHashes, idHashesOf } from './id-hashes.ts'

/** So many event ids stand in a row, at most. */
const ROW = 250
const INSERT = 'INSERT INTO recent (id, ordinal, event_ids) VALUES (?, ?, ?)'
/** The row in which what stands at an id is, or would be. */
const ROW_AT = 'SELECT id, event_ids FROM recent WHERE id <= ? ORDER BY id DESC LIMIT 1'
const NEXT_ROWS = 'SELECT id, event_ids FROM recent WHERE id > ? ORDER BY id LIMIT ?'
/** At most so many of the oldest rows. By one bound: of two, SQLite would seek one, and look at each row before it for the other. */
const PRUNE = `
  DELETE FROM recent WHERE id < min(
    coalesce((SELECT max(id) FROM recent WHERE id <= ?1), ?1),
    coalesce((SELECT id FROM recent ORDER BY id LIMIT 1 OFFSET ?2), ?1)
  )`
const PRUNE_VERSIONS = `
  DELETE FROM recent_versions WHERE id < coalesce((SELECT min(id) FROM recent), ?)`
const COUNT = `
  SELECT added + 1 - min(
    coalesce((SELECT ordinal + ?1 - id FROM recent WHERE id <= ?1 ORDER BY id DESC LIMIT 1), added + 1),
    coalesce((SELECT ordinal FROM recent WHERE id > ?1 ORDER BY id LIMIT 1), added + 1)
  ) AS count FROM state`

/** A prune removes twice as many rows as were inserted since the last one, and so many more: it is as short as the appends that pay for it. */
const PRUNE_ROWS = 100

/** Rows that one turn of the event loop takes in, at most. */
const CATCH_UP_PAGE = 100
/** Others append so little in so long that it may be left for the transaction. */
const MOMENT_MS = 100

interface Row {
  readonly id: number
  readonly eventIds: readonly string[]
}

const NO_ROW: Row = { id: 0, eventIds: [] }

/** How many entries stand in the deduplication window, at or behind an id. */
export function countRecent(connection: Connection, horizon: number): number {
  return Number(connection.statement(COUNT).get(horizon)?.count)
}

/**
 * The deduplication window: the table `recent`, and in memory hashes of the event ids, in generations. A hash that is found
 * there is checked in the table, so a collision costs a look and nothing else.
 */
export class RecentEventIds {
  readonly #connection: Connection
  #generations: Generation[] = []
  #seen = 0
  #caughtUpAt = Number.NEGATIVE_INFINITY
  #insertedSincePrune = 0
  /** The group that was looked for last, when it is in no generation: the next id is mostly of the same. */
  #absentGroup: number | undefined
  /** The row that was looked into last: what is repeated is mostly repeated in a row. A row never changes. */
  #row: Row = NO_ROW

  constructor(connection: Connection) {
    this.#connection = connection
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

  /** The id under which this event id, of these hashes, was appended at or behind `horizon`. */
  find(eventId: string, hashes: IdHashes, horizon: number): number | undefined {
    if (hashes.group === this.#absentGroup) return undefined
    let isThere = false
    for (let index = this.#generations.length - 1; index >= 0; index -= 1) {
      const generation = this.#generations[index] as Generation
      if (!generation.has(hashes.group)) continue
      isThere = true
      const found = generation.find(hashes, (id) => id >= horizon && this.#eventIdAt(id) === eventId)
      if (found !== undefined) return found
    }
    if (!isThere) this.#absentGroup = hashes.group
    return undefined
  }

  /** Inside a step of the connection: writes down what is appended, entries in a row, from the first id and ordinal on. */
  insert(eventIds: readonly string[], firstId: number, firstOrdinal: number): void {
    const insert = this.#connection.statement(INSERT)
    for (let from = 0; from < eventIds.length; from += ROW) {
      this.#insertedSincePrune += 1
      insert.run(firstId + from, firstOrdinal + from, JSON.stringify(eventIds.slice(from, from + ROW)))
    }
  }

  /** Remembers what was inserted, by its hashes, when that is committed. */
  add(hashes: readonly IdHashes[], firstId: number): void {
    this.#absentGroup = undefined
    for (let i = 0; i < hashes.length; i++) this.#add(hashes[i] as IdHashes, firstId + i)
    this.#seen = firstId + hashes.length - 1
  }

  /** Inside a step of the connection: forgets what lies before `horizon`, though in the table not all of it at once. */
  forget(horizon: number): void {
    this.#connection.statement(PRUNE).run(horizon, 2 * this.#insertedSincePrune + PRUNE_ROWS)
    this.#insertedSincePrune = 0
    this.#connection.statement(PRUNE_VERSIONS).run(horizon)
    if ((this.#generations[0]?.lastId ?? horizon) >= horizon) return
    this.#generations = this.#generations.filter(({ lastId }) => lastId >= horizon)
  }

  #add(hashes: IdHashes, id: number): void {
    let generation = this.#generations.at(-1)
    if (generation === undefined || generation.isFullFor(id)) {
      generation = new Generation(id)
      this.#generations.push(generation)
    }
    generation.add(hashes, id)
  }

  /** How many rows it took. Begins with the one in which the horizon is. */
  #takePage(horizon: number): number {
    if (this.#seen < horizon)
      this.#seen = Math.max(this.#seen, Number(this.#connection.statement(ROW_AT).get(horizon)?.id ?? 1) - 1)
    const rows = this.#connection.statement(NEXT_ROWS).all(this.#seen, CATCH_UP_PAGE)
    for (const { id, event_ids } of rows) this.add(idHashesOf(eventIdsOf(event_ids)), Number(id))
    return rows.length
  }

  #eventIdAt(id: number): string | undefined {
    const { id: first, eventIds } = this.#row
    if (id < first || id >= first + eventIds.length) {
      const row = this.#connection.statement(ROW_AT).get(id)
      // Another handle, with a shorter window, may have removed it.
      this.#row = row === undefined ? NO_ROW : { id: Number(row.id), eventIds: eventIdsOf(row.event_ids) }
    }
    return this.#row.eventIds[id - this.#row.id]
  }
}

function eventIdsOf(text: unknown): string[] {
  return JSON.parse(String(text))
}
