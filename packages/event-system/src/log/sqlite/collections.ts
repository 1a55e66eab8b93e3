import type { Collection, Collections, Document, Erased, ListPage } from '../port.ts'
import {
  assertCollection,
  assertDocumentId,
  assertDocumentValue,
  assertIdPrefix,
  assertRevision
} from '../unit-terms.ts'
import { assertLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { type Documents, toDocument } from './documents.ts'

/** The row without an id has the collection's revision, and comes before every other. */
const LIST = `
  SELECT id, value, revision FROM documents
  WHERE collection = ?1 AND id >= max(?2, ?3) AND id <> ?2 AND id <= ?4 ORDER BY id LIMIT ?5`
const COUNT = "SELECT count(*) AS documents FROM documents WHERE collection = ?1 AND id >= ?2 AND id <> '' AND id <= ?3"

const IN_WRITE_AHEAD_LOG =
  'The write-ahead log beside the file has it until it is folded in, which others that use the log kept from being done: do the same again.'

/** An id has at most 500 UTF-16 units, and so at most 250 of the last character there is. */
const LAST_ENDING = '\u{10ffff}'.repeat(250)

/** Collections, in the table of the documents. */
export class SqliteCollections implements Collections {
  readonly #connection: Connection
  readonly #documents: Documents

  constructor(connection: Connection, documents: Documents) {
    this.#connection = connection
    this.#documents = documents
  }

  revision(collection: string): Promise<number> {
    return this.#connection.read(() => {
      assertCollection(collection)
      return this.#documents.revisionOf(collection)
    })
  }

  get(collection: Collection, ids: readonly string[]): Promise<(Document | undefined)[]> {
    return this.#connection.snapshot(() => {
      assertCollection(collection)
      for (const id of ids) assertDocumentId(id)
      return ids.map((id) => this.#documents.find(collection, id))
    })
  }

  list(collection: string, { prefix = '', after, limit }: ListPage): Promise<Document[]> {
    return this.#connection.read(() => {
      assertCollection(collection)
      assertIdPrefix(prefix)
      if (after !== undefined) assertDocumentId(after)
      assertLimit(limit)
      const list = this.#connection.statement(LIST)
      return list.all(collection, after ?? '', prefix, prefix + LAST_ENDING, limit).map(toDocument)
    })
  }

  count(collection: string, prefix = ''): Promise<number> {
    return this.#connection.read(() => {
      assertCollection(collection)
      assertIdPrefix(prefix)
      return Number(this.#connection.statement(COUNT).get(collection, prefix, prefix + LAST_ENDING)?.documents)
    })
  }

  /** Every write overwrites what it lets go, so that no earlier one left the value elsewhere in the file. */
  async erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined> {
    const revision = await this.#connection.overwrite(() => {
      assertCollection(collection)
      assertDocumentId(id)
      assertDocumentValue(value)
      assertRevision(expected)
      return this.#documents.write({ collection, id, value, expected })
    })
    if (revision === undefined) return undefined
    const isEmptied = await this.#connection.emptyWriteAheadLog()
    return { revision, remains: isEmptied ? null : IN_WRITE_AHEAD_LOG }
  }
}
