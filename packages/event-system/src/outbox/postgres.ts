import { type Event, EventSystemError } from '@tradpal/events'
import type { OutboxStore } from './store.ts'
import { insertOf, OutboxTables, type TableNames, tableNames, tableOf } from './tables.ts'

/** What runs a statement on PostgreSQL: a Pool or a Client of `pg`, a PGlite, a transaction of either. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

export interface PostgresOutboxOptions {
  /** The table of the events, in lower case, with its schema before a dot or without; the relay's is `<table>_relay`. Default `tradpal_outbox`. */
  readonly table?: string
}

/**
 * An outbox in PostgreSQL. `pool` is what the relay runs its own statements on, one at a time and each its own
 * transaction: a Pool, not a client on which transactions of others are open. Throws `invalid_options`.
 */
export function postgresOutbox(
  pool: PostgresClient,
  options: PostgresOutboxOptions = {}
): OutboxStore<PostgresClient, Promise<void>> {
  if (typeof (pool as PostgresClient | undefined)?.query !== 'function') {
    throw new EventSystemError('invalid_options', 'pool must have query(text, values), as a Pool of pg has.')
  }
  return new PostgresOutbox(pool, tableNames(tableOf('postgresOutbox()', options)))
}

/** The statements that make the tables of an outbox in PostgreSQL, for migrations of your own. Throws `invalid_options`. */
export function postgresOutboxDdl(options: PostgresOutboxOptions = {}): string {
  return ddlOf(tableNames(tableOf('postgresOutboxDdl()', options)))
}

function ddlOf({ events, relay }: TableNames): string {
  return `CREATE TABLE IF NOT EXISTS ${events} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id text NOT NULL, event_type text NOT NULL, payload text NOT NULL, enqueued_at bigint NOT NULL,
  refused_at bigint, refusal_code text, refusal text
);
CREATE TABLE IF NOT EXISTS ${relay} (
  id integer PRIMARY KEY CHECK (id = 1),
  holder text NOT NULL, beat bigint NOT NULL, lease_ms bigint NOT NULL
);`
}

class PostgresOutbox extends OutboxTables implements OutboxStore<PostgresClient, Promise<void>> {
  readonly #pool: PostgresClient
  readonly #table: TableNames

  constructor(pool: PostgresClient, table: TableNames) {
    super(table, {
      run: async (text, values) => (await pool.query(text, [...values])).rows,
      idIsListed: `id = ANY (CAST(string_to_array($1, ',') AS bigint[]))`
    })
    this.#pool = pool
    this.#table = table
  }

  /** IF NOT EXISTS fails when two do it at once; and as one statement it runs wherever one statement does. */
  async createTable(): Promise<void> {
    const lock = `PERFORM pg_advisory_xact_lock(hashtext('${this.#table.events}'))`
    await this.#pool.query(`DO $ddl$ BEGIN ${lock}; ${ddlOf(this.#table)} END $ddl$`)
  }

  async insert(transaction: PostgresClient, event: Event, now: number): Promise<void> {
    if (transaction === this.#pool) {
      throw new EventSystemError(
        'invalid_argument',
        'enqueue() takes the client of your transaction; what is written through the pool is no part of it.'
      )
    }
    const { text, values } = insertOf(this.#table, event, now)
    await transaction.query(text, values)
  }
}
