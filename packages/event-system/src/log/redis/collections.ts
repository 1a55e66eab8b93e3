import type { Collection, Collections, Document, Erased, ListPage } from '../port.ts'
import { assertCollection, assertDocumentId, assertIdPrefix, assertRevision } from '../unit-terms.ts'
import { mustBeLimit } from './arguments.ts'
import type { Committer } from './committer.ts'
import type { Connection } from './connection.ts'
import { type CollectionKeys, collectionKeys, expiringKeys, type LogKeys } from './keys.ts'
import { runScript } from './scripts.ts'

/** The field of a collection's hash that has its revision. */
const REVISION = ''

/** The memory has it no more; what a server has on its disk it does not say to everybody. */
const ON_DISK =
  'The disk of Redis, and of each replica, has it until its append-only file is rewritten (BGREWRITEAOF) and its snapshot replaced (BGSAVE).'

/** Collections, as scripts/include/collection.lua keeps them. */
export class RedisCollections implements Collections {
  readonly #connection: Connection
  readonly #committer: Committer
  readonly #keys: LogKeys

  constructor(connection: Connection, committer: Committer, keys: LogKeys) {
    this.#connection = connection
    this.#committer = committer
    this.#keys = keys
  }

  async revision(collection: string): Promise<number> {
    const [documents] = this.#keysOf(collection)
    return Number((await this.#connection.read<string | null>(['HGET', documents, REVISION])) ?? 0)
  }

  async get(collection: Collection, ids: readonly string[]): Promise<(Document | undefined)[]> {
    assertCollection(collection)
    for (const id of ids) assertDocumentId(id)
    if (ids.length === 0) return []
    return typeof collection === 'string' ? this.#getLasting(collection, ids) : this.#getExpiring(collection, ids)
  }

  async #getLasting(collection: string, ids: readonly string[]): Promise<(Document | undefined)[]> {
    const [documents] = this.#keysOf(collection)
    const texts = await this.#connection.read<(string | null)[]>(['HMGET', documents, ...ids])
    return texts.map((text, i) => (text === null ? undefined : documentOf(ids[i] as string, text)))
  }

  async #getExpiring(
    { name, keepMs }: Exclude<Collection, string>,
    ids: readonly string[]
  ): Promise<(Document | undefined)[]> {
    const keys = expiringKeys(this.#keys, name)
    const values = await runScript<(string | null)[]>(this.#connection, 'readExpiring', keys, [String(keepMs), ...ids])
    return values.map((value, i) => (value === null ? undefined : { id: ids[i] as string, value, revision: 0 }))
  }

  async list(collection: string, { prefix = '', after, limit }: ListPage): Promise<Document[]> {
    mustBeLimit(limit)
    assertIdPrefix(prefix)
    if (after !== undefined) assertDocumentId(after)
    const args = [startOf(prefix, after), prefix, String(limit)]
    const page = await runScript<string[]>(this.#connection, 'listDocuments', this.#keysOf(collection), args)
    const documents: Document[] = []
    for (let i = 0; i < page.length; i += 2) documents.push(documentOf(page[i] as string, page[i + 1] as string))
    return documents
  }

  async count(collection: string, prefix = ''): Promise<number> {
    assertIdPrefix(prefix)
    const [, ids] = this.#keysOf(collection)
    return runScript<number>(this.#connection, 'countDocuments', [ids], [prefix])
  }

  async erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined> {
    assertRevision(expected)
    const [result] = await this.#committer.commit([{ write: [{ collection, id, value, expected }] }])
    return result?.kind === 'committed' ? { revision: result.revisions[0] as number, remains: ON_DISK } : undefined
  }

  #keysOf(collection: string): CollectionKeys {
    assertCollection(collection)
    return collectionKeys(this.#keys, collection)
  }
}

/** Where a page begins, as ZRANGE takes it: Redis compares the bytes of UTF-8, and JavaScript those of UTF-16. */
function startOf(prefix: string, after: string | undefined): string {
  if (after === undefined || Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0) return `[${prefix}`
  return `(${after}`
}

function documentOf(id: string, text: string): Document {
  const colon = text.indexOf(':')
  return { id, value: text.slice(colon + 1), revision: Number(text.slice(0, colon)) }
}
