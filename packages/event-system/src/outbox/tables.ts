import { type Event, EventSystemError, onlyOptions } from '@tradpal/events'
import { entryOf, plainCodec } from '../codec/index.ts'
import type { LeaseRow, OutboxStore, Refusal, SetAsideEvent, Standing, WaitingEvent } from './store.ts'

const DEFAULT_TABLE = 'tradpal_outbox'

/** Lower case, so that it is the same table with quotes and without; short enough for a suffix within PostgreSQL's 63. */
const NAME = /^([a-z_][a-z0-9_]{0,54}\.)?[a-z_][a-z0-9_]{0,54}$/

type SqlValue = string | number | null

/** What differs between the databases. */
export interface Dialect {
  /** Runs one statement for the relay and the operator, and resolves to its rows. */
  run(text: string, values: readonly SqlValue[]): Promise<unknown[]>
  /** Whether an id is among those of the statement's only parameter, ids with commas between them. */
  readonly idIsListed: string
}

/** The names of an outbox's two tables, quoted. */
export interface TableNames {
  readonly events: string
  readonly relay: string
}

/** Throws `invalid_options` for a name that would need quotes. */
export function tableNames(table: string): TableNames {
  if (typeof table !== 'string' || !NAME.test(table)) {
    throw new EventSystemError(
      'invalid_options',
      `table must be lower-case letters, digits and underscores, at most 55, with a schema and a dot before them or without, got ${JSON.stringify(table)}.`
    )
  }
  return { events: quoted(table), relay: quoted(`${table}_relay`) }
}

/** The table that the options of `call` name. Throws `invalid_options`. */
export function tableOf(call: string, options: { readonly table?: string }): string {
  onlyOptions(call, options, { table: true })
  return options.table ?? DEFAULT_TABLE
}

function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part}"`)
    .join('.')
}

/** The statement that writes an event, and its values. Refuses what publishing refuses, with the same codes. */
export function insertOf(table: TableNames, event: Event, now: number): { text: string; values: SqlValue[] } {
  const { eventId, eventType, payload } = entryOf(event, plainCodec)
  const text = `INSERT INTO ${table.events} (event_id, event_type, payload, enqueued_at) VALUES ($1, $2, $3, $4)`
  return { text, values: [eventId, eventType, payload, now] }
}

/**
 * The statements on the two tables, in the SQL that SQLite and PostgreSQL share. Numbers travel as text: drivers differ
 * in what they make of a 64-bit integer.
 */
export class OutboxTables implements Omit<OutboxStore<unknown, unknown>, 'createTable' | 'insert'> {
  readonly #names: TableNames
  readonly #dialect: Dialect

  constructor(names: TableNames, dialect: Dialect) {
    this.#names = names
    this.#dialect = dialect
  }

  async waiting(limit: number): Promise<WaitingEvent[]> {
    const text = `SELECT CAST(e.id AS TEXT) AS id, e.payload FROM ${this.#names.events} AS e
      WHERE e.refused_at IS NULL ORDER BY e.id LIMIT $1`
    return (await this.#dialect.run(text, [limit])) as WaitingEvent[]
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#dialect.run(`DELETE FROM ${this.#names.events} WHERE ${this.#dialect.idIsListed}`, [ids.join(',')])
  }

  async setAside(id: string, { code, message, at }: Refusal): Promise<void> {
    const text = `UPDATE ${this.#names.events} SET refused_at = $1, refusal_code = $2, refusal = $3
      WHERE id = CAST($4 AS bigint)`
    await this.#dialect.run(text, [at, code, message, id])
  }

  async setAsideEvents(limit: number): Promise<SetAsideEvent[]> {
    const text = `SELECT CAST(e.id AS TEXT) AS id, e.event_id, e.event_type, e.payload, e.refusal_code, e.refusal,
      CAST(e.refused_at AS TEXT) AS refused_at
      FROM ${this.#names.events} AS e WHERE e.refused_at IS NOT NULL ORDER BY e.id LIMIT $1`
    const rows = (await this.#dialect.run(text, [limit])) as SetAsideRow[]
    return rows.map(({ id, event_id, event_type, payload, refusal_code, refusal, refused_at }) => ({
      id,
      eventId: event_id,
      eventType: event_type,
      payload,
      refusal: { code: refusal_code, message: refusal, at: Number(refused_at) }
    }))
  }

  async retry(ids?: readonly string[]): Promise<number> {
    const those = ids === undefined ? '' : ` AND ${this.#dialect.idIsListed}`
    const text = `UPDATE ${this.#names.events} SET refused_at = NULL, refusal_code = NULL, refusal = NULL
      WHERE refused_at IS NOT NULL${those} RETURNING CAST(id AS TEXT) AS id`
    return (await this.#dialect.run(text, ids === undefined ? [] : [ids.join(',')])).length
  }

  async standing(): Promise<Standing> {
    const text = `SELECT CAST(count(*) FILTER (WHERE refused_at IS NULL) AS TEXT) AS waiting,
      CAST(min(enqueued_at) FILTER (WHERE refused_at IS NULL) AS TEXT) AS oldest_at,
      CAST(count(*) FILTER (WHERE refused_at IS NOT NULL) AS TEXT) AS set_aside FROM ${this.#names.events}`
    const [row] = (await this.#dialect.run(text, [])) as [StandingRow]
    return {
      waiting: Number(row.waiting),
      oldestAt: row.oldest_at === null ? null : Number(row.oldest_at),
      setAside: Number(row.set_aside)
    }
  }

  async lease(): Promise<LeaseRow | undefined> {
    const text = `SELECT holder, CAST(beat AS TEXT) AS beat, CAST(lease_ms AS TEXT) AS lease_ms FROM ${this.#names.relay}`
    const [row] = (await this.#dialect.run(text, [])) as [LeaseColumns?]
    return row && { holder: row.holder, beat: Number(row.beat), leaseMs: Number(row.lease_ms) }
  }

  async moveLease(beat: number, holder: string, leaseMs: number): Promise<number | undefined> {
    const text = `INSERT INTO ${this.#names.relay} AS r (id, holder, beat, lease_ms) VALUES (1, $1, 1, $2)
      ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, beat = r.beat + 1, lease_ms = excluded.lease_ms
      WHERE r.beat = $3 RETURNING CAST(beat AS TEXT) AS beat`
    const [row] = (await this.#dialect.run(text, [holder, leaseMs, beat])) as [Pick<LeaseColumns, 'beat'>?]
    return row && Number(row.beat)
  }
}

interface SetAsideRow {
  readonly id: string
  readonly event_id: string
  readonly event_type: string
  readonly payload: string
  readonly refusal_code: string | null
  readonly refusal: string
  readonly refused_at: string
}

interface StandingRow {
  readonly waiting: string
  readonly oldest_at: string | null
  readonly set_aside: string
}

interface LeaseColumns {
  readonly holder: string
  readonly beat: string
  readonly lease_ms: string
}
