import { setTimeout as pause } from 'node:timers/promises'
import { type Event, EventSystemError } from '@tradpal/events'
import type { OutboxStore } from './store.ts'
import { insertOf, OutboxTables, type TableNames, tableNames, tableOf } from './tables.ts'

/** What a `DatabaseSync` of node:sqlite has. */
export interface SqliteDatabase {
  readonly isTransaction: boolean
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: (string | number | null)[]): unknown
    all(...values: (string | number | null)[]): unknown[]
  }
}

export interface SqliteOutboxOptions {
  /** The table of the events, in lower case; the relay's is `<table>_relay`. Default `tradpal_outbox`. */
  readonly table?: string
}

/** How often the relay looks whether it may use the database, in ms. */
const LOOK_AGAIN_MS = 5
/** For how long the relay takes it that another process holds the database, in ms, before that counts as a failure. */
const LONGEST_HOLD_MS = 5_000
/** SQLite's primary result code for a database that another connection holds (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5

/**
 * An outbox in SQLite, on a connection of yours. The relay shares the connection: it waits while a transaction of yours is
 * open on it, so that it neither sees what may be rolled back nor becomes a part of it. Throws `invalid_options`.
 */
export function sqliteOutbox(
  database: SqliteDatabase,
  options: SqliteOutboxOptions = {}
): OutboxStore<SqliteDatabase, void> {
  if (typeof (database as SqliteDatabase | undefined)?.prepare !== 'function' || !('isTransaction' in database)) {
    throw new EventSystemError('invalid_options', 'database must be a DatabaseSync of node:sqlite.')
  }
  return new SqliteOutbox(database, tableNames(tableOf('sqliteOutbox()', options)))
}

/** The statements that make the tables of an outbox in SQLite, for migrations of your own. Throws `invalid_options`. */
export function sqliteOutboxDdl(options: SqliteOutboxOptions = {}): string {
  return ddlOf(tableNames(tableOf('sqliteOutboxDdl()', options)))
}

/** AUTOINCREMENT: an id that was published is never given again. */
function ddlOf({ events, relay }: TableNames): string {
  return `CREATE TABLE IF NOT EXISTS ${events} (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL, event_type TEXT NOT NULL, payload TEXT NOT NULL, enqueued_at INTEGER NOT NULL,
  refused_at INTEGER, refusal_code TEXT, refusal TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS ${relay} (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  holder TEXT NOT NULL, beat INTEGER NOT NULL, lease_ms INTEGER NOT NULL
) STRICT;`
}

class SqliteOutbox extends OutboxTables implements OutboxStore<SqliteDatabase, void> {
  readonly #database: SqliteDatabase
  readonly #table: TableNames

  constructor(database: SqliteDatabase, table: TableNames) {
    super(table, {
      run: (text, values) => whenFree(database, () => database.prepare(anonymous(text)).all(...values)),
      idIsListed: `id IN (SELECT value FROM json_each('[' || $1 || ']'))`
    })
    this.#database = database
    this.#table = table
  }

  async createTable(): Promise<void> {
    await whenFree(this.#database, () => this.#database.exec(ddlOf(this.#table)))
  }

  insert(transaction: SqliteDatabase, event: Event, now: number): void {
    if (!transaction.isTransaction) {
      throw new EventSystemError(
        'invalid_argument',
        'enqueue() is a part of a transaction, and none is open on this database: BEGIN before it.'
      )
    }
    const { text, values } = insertOf(this.#table, event, now)
    transaction.prepare(anonymous(text)).run(...values)
  }
}

/** Runs work between the transactions of the connection's owner, and between those of other processes. */
async function whenFree<Result>(database: SqliteDatabase, work: () => Result): Promise<Result> {
  const started = performance.now()
  for (;;) {
    try {
      if (!database.isTransaction) return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() - started >= LONGEST_HOLD_MS) throw error
    }
    await pause(LOOK_AGAIN_MS)
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' && (code & 0xff) === SQLITE_BUSY
}

/** node:sqlite binds by place what has no name. */
function anonymous(text: string): string {
  return text.replaceAll(/\$\d/g, '?')
}
