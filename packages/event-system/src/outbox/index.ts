/**
 * Publishing if and only if a transaction of your own database commits (the transactional outbox): the event is a row of
 * that transaction, and a relay publishes what was committed. No database driver is imported from here: PostgreSQL and
 * SQLite are spoken to through the few methods that their clients have in common.
 */
import '../runtime/index.ts'

export type { OutboxOptions, OutboxPublisher } from './options.ts'
export { Outbox, type OutboxReport, type OutboxStats } from './outbox.ts'
export { type PostgresClient, type PostgresOutboxOptions, postgresOutbox, postgresOutboxDdl } from './postgres.ts'
export { type SqliteDatabase, type SqliteOutboxOptions, sqliteOutbox, sqliteOutboxDdl } from './sqlite.ts'
export type { LeaseRow, OutboxStore, Refusal, SetAsideEvent, Standing, WaitingEvent } from './store.ts'
