import { LeasedGroup, partitionedNames } from '../partitioned/index.ts'
import type {
  Collections,
  Cursors,
  Leases,
  PartitionedGroup,
  Storage,
  StorageFeatures,
  StorageWarning,
  Unit,
  UnitResult,
  WorkQueue
} from '../port.ts'
import { UNIT_PARTS } from '../unit-terms.ts'
import { Appender } from './appender.ts'
import { SqliteCollections } from './collections.ts'
import { Committer } from './committer.ts'
import { Connection } from './connection.ts'
import { SqliteCursors } from './cursors.ts'
import { Documents } from './documents.ts'
import { Doorbell } from './doorbell.ts'
import { EntryIndex } from './entry-index.ts'
import { SqliteLeases } from './leases.ts'
import { resolveSqliteStorageOptions, type SqliteStorageOptions } from './options.ts'
import { Reader } from './reader.ts'
import { SqliteGroup } from './sqlite-group.ts'
import { SqliteLog } from './sqlite-log.ts'
import { Tide } from './tide.ts'

const GROUPS = 'SELECT name FROM groups ORDER BY name'
const LIVES = 'SELECT 1 FROM state'

const DEFAULT_CLOSE_TIMEOUT_MS = 5_000

/**
 * A storage in one SQLite file, for any number of processes on one machine and nothing to install. Durable by
 * {@link SqliteStorageOptions.durability}. Nobody writes past it, so it has no poison entries of others; it has an
 * index of types, keys and event times. `trim({ maxBytes })` goes by the bytes of the payloads; the file itself keeps its size and is filled again.
 */
export class SqliteStorage implements Storage {
  readonly kind = 'sqlite'
  readonly location: string
  readonly features: StorageFeatures = {
    totalOrder: true,
    index: true,
    foreignWriters: false,
    persistent: true,
    atomic: UNIT_PARTS
  }
  readonly log: SqliteLog
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections

  readonly #connection: Connection
  readonly #doorbell: Doorbell
  readonly #tide: Tide
  readonly #reader: Reader
  readonly #committer: Committer
  readonly #closing = new AbortController()

  /** Throws `invalid_options`. */
  constructor(options: SqliteStorageOptions = {}) {
    const resolved = resolveSqliteStorageOptions(options)
    this.location = resolved.path
    const connection = new Connection(resolved)
    this.#connection = connection
    this.#doorbell = Doorbell.of(resolved.path)
    this.#tide = new Tide(connection, this.#doorbell)
    this.#reader = new Reader(connection)
    const leases = new SqliteLeases(connection)
    const cursors = new SqliteCursors(connection, this.#reader)
    const documents = new Documents(connection)
    const index = new EntryIndex(connection, documents)
    const appender = new Appender(connection, index)
    this.leases = leases
    this.cursors = cursors
    this.collections = new SqliteCollections(connection, documents)
    this.#committer = new Committer({ connection, appender, cursors, documents, leases })
    this.log = new SqliteLog({
      location: this.location,
      connection,
      appender,
      reader: this.#reader,
      index,
      doorbell: this.#doorbell,
      tide: this.#tide,
      cursors,
      leases,
      collections: this.collections,
      closing: this.#closing.signal
    })
  }

  start(): Promise<void> {
    return this.#connection.open()
  }

  close({ timeoutMs = DEFAULT_CLOSE_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closing.abort()
    return this.#connection.close(timeoutMs)
  }

  async ping(): Promise<void> {
    await this.#connection.read(() => {
      this.#connection.assertFileStands()
      return this.#connection.statement(LIVES).get()
    })
  }

  /** Nothing that a file could say of itself. */
  async warnings(): Promise<StorageWarning[]> {
    return []
  }

  queue(group: string): WorkQueue {
    return new SqliteGroup(group, {
      connection: this.#connection,
      reader: this.#reader,
      tide: this.#tide,
      closing: this.#closing.signal
    })
  }

  partitioned(group: string): PartitionedGroup {
    return new LeasedGroup(group, this)
  }

  async groupNames(): Promise<string[]> {
    const own = await this.#connection.read(() => {
      const rows = this.#connection.statement(GROUPS).all()
      return rows.map(({ name }) => String(name))
    })
    return [...own, ...(await partitionedNames(this))]
  }

  async commit(
    units: readonly Unit[],
    { timeoutMs = this.#connection.options.timeoutMs }: { timeoutMs?: number } = {}
  ): Promise<UnitResult[]> {
    const results = await this.#committer.commit(units, timeoutMs)
    this.#doorbell.ring()
    return results
  }
}
