/** A small document that is kept beside the log. */
export interface LogRecord {
  /** Unique in its collection: 1 to 200 characters. */
  readonly id: string
  readonly value: string
  /** That of the collection when it was written. */
  readonly revision: number
}

/** A value was written over another that is to be gone. */
export interface Erased {
  readonly revision: number
  /** Where the other may be found still, and what ends that, in a sentence. `null` when it is nowhere. */
  readonly remains: string | null
}

/**
 * Small documents that belong to the log's users and not to its stream, such as who may use it: in collections that are
 * small enough to be read whole. Whoever opens the log sees what was written as soon as its write has resolved.
 */
export interface Records {
  /** A number that grows with each change of the collection; 0 while nothing was ever written to it. */
  revision(collection: string): Promise<number>
  /** All of a collection, in no particular order, and its revision with just these. */
  list(collection: string): Promise<{ readonly revision: number; readonly records: readonly LogRecord[] }>
  get(collection: string, id: string): Promise<LogRecord | undefined>
  /**
   * Writes a document over what has its id, and resolves to its revision. With `expected` only over one of this revision,
   * 0 standing for none: otherwise it resolves to `undefined`, nothing changed. Of two who expect the same, one writes.
   */
  put(collection: string, id: string, value: string, expected?: number): Promise<number | undefined>
  /**
   * As {@link put} over the one of the revision `expected`, for a value before that must not be found any more: it stands in no
   * file of this log when it resolves, or `remains` says where it may, and what ends that.
   */
  erase(collection: string, id: string, value: string, expected: number): Promise<Erased | undefined>
  /** Resolves to whether there was one. */
  remove(collection: string, id: string): Promise<boolean>
}
