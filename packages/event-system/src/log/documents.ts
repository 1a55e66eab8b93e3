import type { Document, Erased } from './port/collections.ts'
import type { Storage } from './port/storage.ts'
import type { Write } from './port/unit.ts'

/** A page of a collection that is read whole. */
const PAGE = 1_000

/** The documents of a log, one at a time: for collections that are small enough to be read whole, such as API keys. */
export class Documents {
  readonly #storage: Pick<Storage, 'collections' | 'commit'>

  constructor(storage: Pick<Storage, 'collections' | 'commit'>) {
    this.#storage = storage
  }

  /** A number that grows with each change of the collection; 0 before the first. */
  revision(collection: string): Promise<number> {
    return this.#storage.collections.revision(collection)
  }

  /** All documents of a collection, by id. Who asks for its revision first sees each later change by a greater one. */
  async all(collection: string): Promise<readonly Document[]> {
    const { collections } = this.#storage
    const documents: Document[] = []
    for (;;) {
      const after = documents.at(-1)?.id
      const page = await collections.list(collection, { limit: PAGE, ...(after !== undefined && { after }) })
      documents.push(...page)
      if (page.length < PAGE) return documents
    }
  }

  async get(collection: string, id: string): Promise<Document | undefined> {
    const [document] = await this.#storage.collections.get(collection, [id])
    return document
  }

  /**
   * Writes a document over the one of its id, and resolves to its revision. With `expected` only over one of this revision, 0 standing
   * for none: otherwise it resolves to `undefined`, nothing changed. Of two that expect the same, one writes.
   */
  put(collection: string, id: string, value: string, expected?: number): Promise<number | undefined> {
    return this.#write({ collection, id, value, ...(expected !== undefined && { expected }) })
  }

  /** Writes a value over one that must not be found any more. Resolves to `undefined`, nothing changed, when that has another revision. */
  erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined> {
    return this.#storage.collections.erase(collection, id, value, expected)
  }

  /** Resolves to whether there was one. */
  async remove(collection: string, id: string): Promise<boolean> {
    for (;;) {
      const document = await this.get(collection, id)
      if (document === undefined) return false
      const revision = await this.#write({ collection, id, value: null, expected: document.revision })
      if (revision !== undefined) return true
    }
  }

  async #write(write: Write): Promise<number | undefined> {
    const [result] = await this.#storage.commit([{ write: [write] }])
    return result?.kind === 'committed' ? result.revisions[0] : undefined
  }
}
