import { LRUCache } from 'lru-cache'
import type { Checkpoint, Documents, Position, WorkQueue } from '../log/index.ts'

/** The collection that holds the places, by the names of groups. */
const COLLECTION = 'group-places'
/** The names of groups may come from clients. */
const MOST_KEPT = 10_000

/** Where groups that share entry by entry stood, kept apart from them: a group that is lost is made again at its place. */
export class GroupPlaces {
  readonly #documents: Documents
  /** The last place that this process has kept of each group: a log that lost its documents does not know it any more. */
  readonly #kept = new LRUCache<string, Checkpoint>({ max: MOST_KEPT })

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
   * Makes the group where it stood when its place was last kept, or at `fallback` when no place was. Where the log has lost the place, it is
   * the last that this process has kept. Resolves to false, nothing changed, when it exists.
   */
  async restore(group: WorkQueue, fallback: Position): Promise<boolean> {
    const document = await this.#documents.get(COLLECTION, group.name)
    const place = document?.value ?? this.#kept.get(group.name)
    return this.create(group, place === undefined ? fallback : { after: place })
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
      const isKept =
        document?.value === acknowledgedTo ||
        (await this.#documents.put(COLLECTION, group.name, acknowledgedTo, document?.revision ?? 0)) !== undefined
      if (!isKept) continue
      this.#kept.set(group.name, acknowledgedTo)
      return
    }
  }
}
