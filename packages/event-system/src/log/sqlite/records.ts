import type { Erased, LogRecord, Records } from '../port.ts'
import { assertRecordName } from './arguments.ts'
import type { Connection } from './connection.ts'

/** The one without an id comes first. */
const ALL = 'SELECT id, value, revision FROM records WHERE collection = ? ORDER BY id'
const FIND = 'SELECT id, value, revision FROM records WHERE collection = ? AND id = ?'
const PUT = `
  INSERT INTO records (collection, id, value, revision) VALUES (?, ?, ?, ?)
  ON CONFLICT (collection, id) DO UPDATE SET value = excluded.value, revision = excluded.revision`
const REMOVE = 'DELETE FROM records WHERE collection = ? AND id = ?'

/** The id of the record that has a collection's revision. */
const REVISION = ''

const IN_WRITE_AHEAD_LOG =
  'The write-ahead log beside the file has it until it is folded in, which others that use the log kept from being done: do the same again.'

/** Records, in a table. */
export class SqliteRecords implements Records {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  revision(collection: string): Promise<number> {
    return this.#connection.read(() => {
      assertRecordName('name of a collection', collection)
      return this.#revisionOf(collection, REVISION)
    })
  }

  list(collection: string): Promise<{ revision: number; records: LogRecord[] }> {
    return this.#connection.read(() => {
      assertRecordName('name of a collection', collection)
      const rows = this.#connection.statement(ALL).all(collection).map(toRecord)
      return { revision: rows[0]?.revision ?? 0, records: rows.slice(1) }
    })
  }

  get(collection: string, id: string): Promise<LogRecord | undefined> {
    return this.#connection.read(() => {
      assertNames(collection, id)
      const row = this.#connection.statement(FIND).get(collection, id)
      return row && toRecord(row)
    })
  }

  put(collection: string, id: string, value: string, expected?: number): Promise<number | undefined> {
    return this.#connection.overwrite(() => {
      assertNames(collection, id)
      if (expected !== undefined && expected !== this.#revisionOf(collection, id)) return undefined
      const revision = this.#advance(collection)
      this.#connection.statement(PUT).run(collection, id, value, revision)
      return revision
    })
  }

  /** Every write overwrites what it lets go, so that no earlier one left the value elsewhere in the file. */
  async erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined> {
    const revision = await this.put(collection, id, value, expected)
    if (revision === undefined) return undefined
    const isEmptied = await this.#connection.emptyWriteAheadLog()
    return { revision, remains: isEmptied ? null : IN_WRITE_AHEAD_LOG }
  }

  remove(collection: string, id: string): Promise<boolean> {
    return this.#connection.overwrite(() => {
      assertNames(collection, id)
      if (this.#connection.statement(REMOVE).run(collection, id).changes === 0) return false
      this.#advance(collection)
      return true
    })
  }

  #advance(collection: string): number {
    const revision = this.#revisionOf(collection, REVISION) + 1
    this.#connection.statement(PUT).run(collection, REVISION, '', revision)
    return revision
  }

  #revisionOf(collection: string, id: string): number {
    return Number(this.#connection.statement(FIND).get(collection, id)?.revision ?? 0)
  }
}

function assertNames(collection: string, id: string): void {
  assertRecordName('name of a collection', collection)
  assertRecordName('id of a record', id)
}

function toRecord({ id, value, revision }: Record<string, unknown>): LogRecord {
  return { id: String(id), value: String(value), revision: Number(revision) }
}
