import type { Documents, Position, WorkQueue } from '../log/index.ts'

/** The collection that holds the places, by the names of groups. */
const COLLECTION = 'group-places'

/** Where groups that share entry by entry stood, kept apart from them: a group that is lost is made again at its place. */
export class GroupPlaces {
  readonly #documents: Documents

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** Makes the group at a position, whatever place was kept, and keeps where that is. Resolves to false, nothing changed, when it exists. */
  async create(group: WorkQueue, at: Position): Promise<boolean> {
    const isNew = await group.create(at)
    if (isNew) await this.keep(group)
    return isNew
  }

  /**
   * Makes the group where it stood when its place was last kept, or at `fallback` when no place was. Resolves to false, nothing changed,
   * when it exists.
   */
  async restore(group: WorkQueue, fallback: Position): Promise<boolean> {
    const document = await this.#documents.get(COLLECTION, group.name)
    return this.create(group, document === undefined ? fallback : { after: document.value })
  }

  /**
   * Keeps the place up to which the group has acknowledged everything. Rejects with `not_found` without the group.
   *
   * The place is written over the one that was there before the group was asked. When another process has made the group again
   * meanwhile, and has kept where, then the answer may be of the lost group, and ahead of what the new one hands out: it is asked again.
   */
  async keep(group: WorkQueue): Promise<void> {
    for (;;) {
      const document = await this.#documents.get(COLLECTION, group.name)
      const { acknowledgedTo } = await group.info()
      if (document?.value === acknowledgedTo) return
      const expected = document?.revision ?? 0
      if ((await this.#documents.put(COLLECTION, group.name, acknowledgedTo, expected)) !== undefined) return
    }
  }
}
