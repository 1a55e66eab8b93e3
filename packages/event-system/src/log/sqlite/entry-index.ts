import { firstMinuteKept, RATES, Tally } from '../rates.ts'
import type { Connection } from './connection.ts'
import type { Documents } from './documents.ts'
import { IDS_PER_MS } from './message-id.ts'

/**
 * A segment has this many entries, or more where they were appended together. Its rows are written at once, side by side: a place for
 * each entry in one large index would cost three times the append. A read looks through the entries that are in no segment yet.
 */
const SEGMENT = 4_096

const BEHIND = 'SELECT indexed_id, added - indexed AS entries FROM state'
const ADD_SEGMENT = `
  INSERT INTO segments (first_id, last_id, min_time, max_time)
  SELECT min(id), max(id), min(event_time), max(event_time) FROM entries WHERE id > ? HAVING count(*) > 0
  RETURNING segment`
const ADD_BY_LABEL = `
  INSERT INTO by_label SELECT ?2, label, event_time, id FROM entries WHERE id > ?1 ORDER BY label, event_time, id`
const ADD_BY_TYPE = `
  INSERT INTO by_label SELECT ?2, type, event_time, id FROM entries JOIN labels USING (label)
  WHERE id > ?1 AND type <> label ORDER BY type, event_time, id`
const MOVE = `
  UPDATE by_label SET label = ?3
  WHERE segment = (SELECT segment FROM segments WHERE last_id >= ?1 ORDER BY last_id LIMIT 1) AND label = ?2 AND id = ?1
    AND event_time = (SELECT event_time FROM entries WHERE id = ?1)`
const MINUTE = 60_000
const TAKEN = `
  SELECT event_type, id / ${MINUTE * IDS_PER_MS} AS minute, count(*) AS entries FROM entries JOIN labels USING (label)
  WHERE id > ? GROUP BY event_type, minute`
const FORGET_MINUTES = `DELETE FROM documents WHERE collection = '${RATES}' AND id >= 'minute:' AND id < ?`
const HAS_BEHIND = (which: string) =>
  `SELECT 1 FROM entries WHERE id > (SELECT indexed_id FROM state) AND id IN (${which}) LIMIT 1`
const INDEXED = 'UPDATE state SET indexed_id = last_id, indexed = added'
const DROP = 'DELETE FROM segments WHERE last_id < (SELECT coalesce(min(id), ?1 + 1) FROM entries) RETURNING segment'
const DROP_BY_LABEL = 'DELETE FROM by_label WHERE segment = ?'

/**
 * The index of entries by label, in segments: each has the entries of a stretch of the log, by label and event time, and says from when to
 * when their event times are. An entry with a key stands under its label and under that of its type. To be called inside a step of the
 * connection.
 */
export class EntryIndex {
  readonly #connection: Connection
  readonly #documents: Documents

  constructor(connection: Connection, documents: Documents) {
    this.#connection = connection
    this.#documents = documents
  }

  /** Makes a segment of the entries that are in none, when they are enough. */
  grow(): void {
    const { entries } = this.#connection.statement(BEHIND).get() ?? {}
    if (Number(entries) >= SEGMENT) this.#takeIn()
  }

  /** To be called before entries are removed, so that they are counted. `which`: an SQL query of their ids, with its argument. */
  beforeRemoving(which: string, argument: string | number): void {
    if (this.#connection.statement(HAS_BEHIND(which)).get(argument) !== undefined) this.#takeIn()
  }

  /** How many entries of each type the log took that are in no segment yet. */
  uncounted(): Tally {
    const tally = new Tally(this.#connection.options.clock.now())
    const { indexed_id: indexedId } = this.#connection.statement(BEHIND).get() ?? {}
    for (const { event_type: eventType, minute, entries } of this.#connection
      .statement(TAKEN)
      .iterate(Number(indexedId))) {
      tally.add(String(eventType), Number(minute) * MINUTE, Number(entries))
    }
    return tally
  }

  #takeIn(): void {
    const indexedId = Number(this.#connection.statement(BEHIND).get()?.indexed_id)
    const segment = this.#connection.statement(ADD_SEGMENT).get(indexedId)?.segment
    if (segment !== undefined) {
      for (const sql of [ADD_BY_LABEL, ADD_BY_TYPE]) this.#connection.statement(sql).run(indexedId, Number(segment))
      this.#count(this.uncounted())
    }
    this.#connection.statement(INDEXED).run()
  }

  #count(tally: Tally): void {
    for (const id of tally.ids) {
      const value = tally.countedIn(id, this.#documents.find(RATES, id)?.value)
      this.#documents.write({ collection: RATES, id, value })
    }
    this.#connection.statement(FORGET_MINUTES).run(firstMinuteKept(this.#connection.options.clock.now()))
  }

  /** Puts an entry under another label. */
  move(id: number, from: number, to: number): void {
    this.#connection.statement(MOVE).run(id, from, to)
  }

  /** Drops the segments of which no entry is left. */
  shrink(): void {
    const { indexed_id: indexedId } = this.#connection.statement(BEHIND).get() ?? {}
    for (const { segment } of this.#connection.statement(DROP).all(Number(indexedId))) {
      this.#connection.statement(DROP_BY_LABEL).run(Number(segment))
    }
  }
}
