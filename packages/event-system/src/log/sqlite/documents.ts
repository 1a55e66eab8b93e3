import type { Collection, Document, Write } from '../port.ts'
import type { Connection } from './connection.ts'

const FIND = `
  SELECT id, value, revision FROM documents
  WHERE collection = ?1 AND id = ?2 AND (expires_at IS NULL OR expires_at > ?3)`
const PUT = `
  INSERT INTO documents (collection, id, value, revision, expires_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (collection, id) DO UPDATE SET
    value = excluded.value, revision = excluded.revision, expires_at = excluded.expires_at`
const REMOVE = 'DELETE FROM documents WHERE collection = ? AND id = ?'
/** A few of the oldest with each write: more than one write adds. */
const PRUNE = `
  DELETE FROM documents WHERE (collection, id) IN (
    SELECT collection, id FROM documents WHERE expires_at <= ? ORDER BY expires_at LIMIT 4)`

/** The id of the row that has a collection's revision. */
const REVISION = ''

/** The documents of all collections, in a table. To be called inside a step of the connection. */
export class Documents {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  find(collection: Collection, id: string): Document | undefined {
    const row = this.#connection.statement(FIND).get(nameOf(collection), id, this.#now())
    return row && toDocument(row)
  }

  revisionOf(collection: string): number {
    return this.find(collection, REVISION)?.revision ?? 0
  }

  /** The revision of the collection after the write; `undefined`, nothing written, when the document is not what was expected. */
  write({ collection, id, value, expected }: Write): number | undefined {
    if (expected !== undefined && !this.#is(collection, id, expected)) return undefined
    this.#connection.statement(PRUNE).run(this.#now())
    if (typeof collection === 'string') return this.#writeLasting(collection, id, value)
    if (value === null) this.#connection.statement(REMOVE).run(collection.name, id)
    else this.#connection.statement(PUT).run(collection.name, id, value, 0, this.#now() + collection.keepMs)
    return 0
  }

  #is(collection: Collection, id: string, expected: number): boolean {
    const found = this.find(collection, id)
    return expected === 0 ? found === undefined : found?.revision === expected
  }

  #writeLasting(collection: string, id: string, value: string | null): number {
    const last = this.revisionOf(collection)
    if (value === null && this.#connection.statement(REMOVE).run(collection, id).changes === 0) return last
    const fromClock = this.#now() * 1_000
    const revision = Math.max(last + 1, fromClock)
    if (value !== null) this.#connection.statement(PUT).run(collection, id, value, revision, null)
    this.#connection.statement(PUT).run(collection, REVISION, '', revision, null)
    return revision
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}

export function toDocument({ id, value, revision }: Record<string, unknown>): Document {
  return { id: String(id), value: String(value), revision: Number(revision) }
}

function nameOf(collection: Collection): string {
  return typeof collection === 'string' ? collection : collection.name
}
