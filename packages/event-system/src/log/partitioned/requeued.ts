import type { Cut, Document, Storage } from '../port.ts'
import type { Holdings } from './holdings.ts'
import { documentId, ofGroup, REQUEUED } from './names.ts'

const PAGE = 100

export interface RequeuedParts {
  readonly storage: Pick<Storage, 'collections' | 'log' | 'commit'>
  readonly group: string
  readonly cut: Cut
  readonly holdings: Holdings
}

/** Looks for the entries that were requeued, and gives them to the partitions that the member owns. */
export class Requeued {
  readonly #parts: RequeuedParts
  #seen: number | undefined

  constructor(parts: RequeuedParts) {
    this.#parts = parts
  }

  /** With `all`, also entries that were seen before: a partition is new. Resolves to whether partitions got some. */
  async look({ all }: { all: boolean }): Promise<boolean> {
    const { storage, group } = this.#parts
    const revision = await storage.collections.revision(REQUEUED)
    if (revision === 0 || (revision === this.#seen && !all)) return false
    const prefix = ofGroup(group)
    let after: string | undefined
    let isComplete = true
    for (;;) {
      const page = await storage.collections.list(REQUEUED, {
        prefix,
        limit: PAGE,
        ...(after !== undefined && { after })
      })
      for (const document of page) isComplete = (await this.#give(document)) && isComplete
      after = page.at(-1)?.id
      if (page.length < PAGE) break
    }
    this.#seen = isComplete ? revision : undefined
    return true
  }

  /** Resolves to false when it cannot be told yet whose it is. */
  async #give({ id, value, revision }: Document): Promise<boolean> {
    const { storage, group, cut, holdings } = this.#parts
    const [entry] = await storage.log.get([id.slice(documentId(group, '').length)])
    if (entry === undefined) {
      await storage.commit([{ write: [{ collection: REQUEUED, id, value: null, expected: revision }] }])
      return true
    }
    try {
      holdings.get(cut.partitionOf(entry))?.requeue(entry, value === '' ? undefined : value)
      return true
    } catch {
      // Its key is not known yet: the reader meets the same, and says so.
      return false
    }
  }
}
