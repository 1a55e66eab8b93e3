import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PGlite } from '@electric-sql/pglite'
import type { Event } from '@tradpal/events'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Storage } from '../../../src/log/index.ts'
import { SqliteStorage, type SqliteStorageOptions } from '../../../src/log/sqlite/index.ts'
import {
  Outbox,
  type OutboxOptions,
  type OutboxStore,
  postgresOutbox,
  sqliteOutbox
} from '../../../src/outbox/index.ts'
import { EventPublisher } from '../../../src/publish/index.ts'

/** What a transaction of the two databases has in common. */
export interface Transaction {
  enqueue(event: Event): Promise<void>
  /** A statement of the caller's own. */
  run(sql: string): Promise<unknown[]>
}

type AnyOutbox = Outbox<unknown, unknown>

/** A fresh, empty database with an outbox's tables in each test, and a fresh, empty log. */
export interface DatabaseUnderTest {
  readonly kind: 'sqlite' | 'postgres'
  readonly table: string
  /** What its stores are over. */
  readonly connection: unknown
  newStore(): OutboxStore<unknown, unknown>
  /** An outbox over a new store. It is closed after the test. */
  newOutbox(options?: Partial<OutboxOptions<unknown, unknown>>): AnyOutbox
  /** Runs work in a transaction, which is rolled back when the work throws. */
  transaction<Result>(outbox: AnyOutbox, work: (transaction: Transaction) => Promise<Result>): Promise<Result>
  /** Enqueues events and commits. */
  commit(outbox: AnyOutbox, ...events: Event[]): Promise<void>
  /** Outside of any transaction. */
  run(sql: string): Promise<unknown[]>
  readonly storage: Storage
  newLog(options: SqliteStorageOptions): Promise<Storage>
}

let postgresOfProcess: Promise<PGlite> | undefined

/** One for all test files of a process, each test with a table of its own: it takes seconds of a core to start. It ends with the process. */
function thePostgres(): Promise<PGlite> {
  postgresOfProcess ??= PGlite.create()
  return postgresOfProcess
}

let count = 0

/** The event ids in a log, in its order. */
export async function eventIdsIn(storage: Storage): Promise<string[]> {
  const entries = (await storage.log.read({ limit: 10_000 })).entries
  return entries.map(({ payload }) => JSON.parse(payload ?? '{}').event_id)
}

/** Describes a promise that an outbox keeps on each database: on a file of SQLite, and on a PostgreSQL in this process. */
export function describeOnEachDatabase(promise: string, tests: (database: DatabaseUnderTest) => void): void {
  describe.each(['sqlite', 'postgres'] as const)(`${promise} (%s)`, (kind) => {
    let folder: string
    let postgres: PGlite | undefined
    let sqlite: DatabaseSync
    let storage: Storage
    let closing: (() => unknown)[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tradpal-outbox-'))
      if (kind === 'postgres') postgres = await thePostgres()
    })
    beforeEach(async () => {
      count += 1
      if (kind === 'sqlite') sqlite = new DatabaseSync(join(folder, `${count}.db`))
      storage = await database.newLog({ path: join(folder, `log-${count}.db`) })
      await database.newStore().createTable()
    })
    afterEach(async () => {
      for (const close of closing.reverse()) await close()
      closing = []
      if (kind === 'sqlite') sqlite.close()
    })
    afterAll(async () => {
      await rm(folder, { recursive: true, force: true })
    })

    const database: DatabaseUnderTest = {
      kind,
      get table() {
        return `outbox_${count}`
      },
      get storage() {
        return storage
      },
      get connection() {
        return postgres ?? sqlite
      },
      newStore() {
        const options = { table: database.table }
        return (postgres ? postgresOutbox(postgres, options) : sqliteOutbox(sqlite, options)) as never
      },
      newOutbox(options = {}) {
        const outbox = new Outbox({
          store: database.newStore(),
          publisher: new EventPublisher({ storage }),
          pollMs: 2,
          ...options
        })
        closing.push(() => outbox.close({ timeoutMs: 0 }))
        return outbox
      },
      async transaction(outbox, work) {
        if (postgres) {
          return postgres.transaction((client) =>
            work({
              enqueue: async (event) => void (await outbox.enqueue(client, event)),
              run: async (sql) => (await client.query(sql)).rows
            })
          )
        }
        sqlite.exec('BEGIN IMMEDIATE')
        try {
          const result = await work({
            enqueue: async (event) => void outbox.enqueue(sqlite, event),
            run: async (sql) => sqlite.prepare(sql).all()
          })
          sqlite.exec('COMMIT')
          return result
        } catch (error) {
          sqlite.exec('ROLLBACK')
          throw error
        }
      },
      commit(outbox, ...events) {
        return database.transaction(outbox, async ({ enqueue }) => {
          for (const event of events) await enqueue(event)
        })
      },
      async run(sql) {
        return postgres ? (await postgres.query(sql)).rows : sqlite.prepare(sql).all()
      },
      async newLog(options) {
        const made = new SqliteStorage(options)
        await made.start()
        closing.push(() => made.close())
        return made
      }
    }

    tests(database)
  })
}
