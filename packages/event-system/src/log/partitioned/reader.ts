import { EventSystemError } from '@tradpal/events'
import type { Cut, Entry, MessageId, Page, Storage } from '../port.ts'
import type { Changes } from './changes.ts'
import { compareIn } from './order.ts'
import type { Partition } from './partition.ts'

/** Entries that are read at once. */
const PAGE = 500

export interface ReaderParts {
  readonly storage: Pick<Storage, 'log'>
  readonly cut: Cut
  /** Told when a page has come that somebody waits for. */
  readonly changes: Changes
}

/** The tail of the log, a page at a time. */
interface Tail {
  readonly pages: AsyncIterator<Page>
  readonly abort: AbortController
  isAsked: boolean
}

/**
 * Reads the stream once for all partitions of a member. The front is where the partition is that has read furthest; the partitions at the
 * front take in each page together. A partition that has enough waiting is left out of pages, and so is one that was acquired later: it
 * lags, catches up with pages of its own, and is at the front again when its pages reach it. So no partition holds up another.
 */
export class Reader {
  readonly #parts: ReaderParts
  #front: MessageId | undefined
  #tail: Tail | undefined
  /** What the tail has brought, and nobody has taken in yet. */
  #brought: Page | { readonly error: unknown } | undefined

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  /**
   * Has partitions take in a page, where there is one at once. Resolves to whether there was one. With `mayWait` the changes tell of the
   * next page; else the end of the log is looked at.
   */
  async fill(partitions: readonly Partition[], mayWait: boolean): Promise<boolean> {
    if (partitions.length === 0) this.rest()
    const hungry = partitions.filter(({ wantsMore }) => wantsMore)
    if (hungry.length === 0) return false
    const front = this.#frontOf(partitions)
    const lagging = hungry.filter(({ readTo }) => this.#isBefore(readTo, front))
    if (lagging.length < hungry.length && this.#takeBrought(hungry)) return true
    if (lagging.length > 0) {
      await this.#catchUp(hungry, lagging)
      return true
    }
    if (!mayWait) return this.#look(hungry, front)
    this.#ask(front)
    return false
  }

  /** Reads no more until it is asked again. */
  rest(): void {
    this.#tail?.abort.abort()
    // A page that it has brought may be its last step: only its return lets go of what it listens to.
    void this.#tail?.pages.return?.().catch(() => {})
    this.#tail = undefined
    this.#brought = undefined
    this.#front = undefined
  }

  #frontOf(partitions: readonly Partition[]): MessageId {
    if (this.#front !== undefined) return this.#front
    let furthest = (partitions[0] as Partition).readTo
    for (const { readTo } of partitions) if (this.#isBefore(furthest, readTo)) furthest = readTo
    this.#front = furthest
    return furthest
  }

  #takeBrought(hungry: readonly Partition[]): boolean {
    const brought = this.#brought
    if (brought === undefined) return false
    if ('error' in brought) {
      this.rest()
      throw brought.error
    }
    this.#share(hungry, brought)
    this.#brought = undefined
    this.#front = brought.position
    if (hungry.some(({ wantsMore }) => wantsMore)) this.#ask(brought.position)
    return true
  }

  async #catchUp(hungry: readonly Partition[], lagging: readonly Partition[]): Promise<void> {
    let from = (lagging[0] as Partition).readTo
    for (const { readTo } of lagging) if (this.#isBefore(readTo, from)) from = readTo
    const page = await this.#parts.storage.log.read({ from: { after: from }, limit: PAGE })
    const position = page.entries.length > 0 ? page.position : (this.#front ?? from)
    this.#share(hungry, { ...page, position })
  }

  async #look(hungry: readonly Partition[], from: MessageId): Promise<boolean> {
    const page = await this.#parts.storage.log.read({ from: { after: from }, limit: PAGE })
    if (page.entries.length === 0) return false
    this.#share(hungry, page)
    // The tail would bring the same page again.
    this.rest()
    this.#front = page.position
    return true
  }

  /** What {@link Cut.partitionOf} throws leaves everything as it was. */
  #share(hungry: readonly Partition[], { from, position, entries }: Page): void {
    const shares = new Map<number, { entry: Entry; behind: MessageId }[]>()
    let behind = from
    for (const entry of entries) {
      const partition = this.#partitionOf(entry)
      const share = shares.get(partition)
      if (share === undefined) shares.set(partition, [{ entry, behind }])
      else share.push({ entry, behind })
      behind = entry.messageId
    }
    for (const partition of hungry) {
      if (!this.#isBefore(partition.readTo, from)) partition.takeIn(shares.get(partition.partition) ?? [], position)
    }
  }

  #partitionOf(entry: Entry): number {
    const { cut } = this.#parts
    const partition = cut.partitionOf(entry)
    if (Number.isSafeInteger(partition) && partition >= 0 && partition < cut.partitions) return partition
    throw new EventSystemError(
      'invalid_argument',
      `partitionOf answered ${partition} for the entry ${entry.messageId}: it is a whole number from 0 to ${cut.partitions - 1}.`
    )
  }

  #ask(from: MessageId): void {
    this.#tail ??= this.#open(from)
    const tail = this.#tail
    if (tail.isAsked || this.#brought !== undefined) return
    tail.isAsked = true
    const bring = (brought: Page | { readonly error: unknown } | undefined) => {
      if (this.#tail !== tail) return
      tail.isAsked = false
      this.#brought = brought
      if (brought === undefined) this.rest()
      this.#parts.changes.tell()
    }
    tail.pages.next().then(
      ({ value, done }) => bring(done ? undefined : value),
      (error) => bring({ error })
    )
  }

  #open(from: MessageId): Tail {
    const abort = new AbortController()
    const pages = this.#parts.storage.log.tail({ after: from }, { signal: abort.signal, limit: PAGE })
    return { pages: pages[Symbol.asyncIterator](), abort, isAsked: false }
  }

  #isBefore(a: MessageId, b: MessageId): boolean {
    return compareIn(this.#parts.storage.log, a, b) < 0
  }
}
