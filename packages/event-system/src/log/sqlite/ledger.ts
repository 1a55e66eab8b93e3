import type { Ledger, LedgerEntry } from '../port.ts'
import type { Connection } from './connection.ts'

const OF_EVENTS =
  'SELECT event_id, step, value FROM ledger WHERE grp = ?1 AND event_id IN (SELECT value FROM json_each(?2))'
const FIND = 'SELECT event_id, step, value FROM ledger WHERE grp = ? AND event_id = ? AND step = ?'
const BEGIN =
  'INSERT INTO ledger (grp, event_id, step, value, written_at) VALUES (?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING'
const WRITE = `
  INSERT INTO ledger (grp, event_id, step, value, written_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (grp, event_id, step) DO UPDATE SET value = excluded.value, written_at = excluded.written_at`
const FORGET = 'DELETE FROM ledger WHERE grp = ? AND event_id = ? AND step = ?'
/** A few of the oldest with each write: more than one write adds. */
const PRUNE = `
  DELETE FROM ledger WHERE (grp, event_id, step) IN (
    SELECT grp, event_id, step FROM ledger WHERE written_at < ? ORDER BY written_at LIMIT 4)`

/** What a group remembers of events, in rows that are deleted a few at a time once they are old. */
export class SqliteLedger implements Ledger {
  readonly #connection: Connection
  readonly #group: string

  constructor(connection: Connection, group: string) {
    this.#connection = connection
    this.#group = group
  }

  read(eventIds: readonly string[]): Promise<LedgerEntry[]> {
    return this.#connection.read(() =>
      this.#connection.statement(OF_EVENTS).all(this.#group, JSON.stringify(eventIds)).map(toLedgerEntry)
    )
  }

  begin(eventId: string, step: string): Promise<LedgerEntry | undefined> {
    return this.#connection.write(() => {
      const begun = this.#connection.statement(BEGIN).run(this.#group, eventId, step, this.#now())
      this.#prune()
      if (begun.changes === 1) return undefined
      return this.find(eventId, step)
    })
  }

  async write(entries: readonly LedgerEntry[]): Promise<void> {
    await this.#connection.write(() => this.put(entries))
  }

  forget(eventId: string, step: string): Promise<boolean> {
    return this.#connection.write(
      () => this.#connection.statement(FORGET).run(this.#group, eventId, step).changes === 1
    )
  }

  /** To be called inside a step of the connection, as {@link put}. */
  find(eventId: string, step: string): LedgerEntry | undefined {
    const row = this.#connection.statement(FIND).get(this.#group, eventId, step)
    return row && toLedgerEntry(row)
  }

  put(entries: readonly LedgerEntry[]): void {
    for (const { eventId, step, value } of entries) {
      this.#connection.statement(WRITE).run(this.#group, eventId, step, value, this.#now())
      this.#prune()
    }
  }

  #prune(): void {
    this.#connection.statement(PRUNE).run(this.#now() - this.#connection.options.ledgerRetentionMs)
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}

function toLedgerEntry({ event_id, step, value }: Record<string, unknown>): LedgerEntry {
  return { eventId: String(event_id), step: String(step), value: value as string | null }
}
