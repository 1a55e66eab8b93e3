/**
 * A text names a lasting collection. One with `keepMs` is expiring: a document is kept for at least `keepMs` after its last write and
 * at most twice as long, is found by its id only, and has no revision. Names have 1 to 500 characters. One name stands for one kind of
 * collection, and for one `keepMs`.
 */
export type Collection = string | { readonly name: string; readonly keepMs: number }

export interface Document {
  /** 1 to 1,000 characters, none of them half a character. */
  readonly id: string
  /** At most 16 MiB: a dead letter quotes a payload, escaped. */
  readonly value: string
  /** That of the collection when the document was written; 0 in an expiring collection. */
  readonly revision: number
}

/** A value was written over another that is to be gone. */
export interface Erased {
  readonly revision: number
  /** Where the other may be found still, and what ends that, in a sentence. `null` when it is nowhere. */
  readonly remains: string | null
}

/**
 * Named sets of small documents beside the log. These are the reads; every write is a {@link Unit.write}. A write is seen by all that
 * open the log as soon as its unit has resolved. Every call rejects with `invalid_argument` for a name or an id out of bounds.
 */
export interface Collections {
  /** A number that grows with each change of the collection, also where the log lost what it knew; 0 before the first. */
  revision(collection: string): Promise<number>
  /** The documents of these ids, in the same order; `undefined` for one that is not there. */
  get(collection: Collection, ids: readonly string[]): Promise<(Document | undefined)[]>
  /** A page of the documents whose ids begin with `prefix`, behind the id `after`, in the order of the UTF-8 bytes of the ids. A page shorter than `limit` is the last. */
  list(collection: string, page: ListPage): Promise<Document[]>
  /** How many documents have ids that begin with `prefix`. */
  count(collection: string, prefix?: string): Promise<number>
  /**
   * Writes a value over one of the revision `expected`, 1 or more, that must not be found any more: it stands in no file of the log when this
   * resolves, or `remains` says where it may, and what ends that. Resolves to `undefined`, nothing changed, when the document has another
   * revision or is not there.
   */
  erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined>
}

export interface ListPage {
  readonly prefix?: string
  readonly after?: string
  readonly limit: number
}
