import { setImmediate as turn } from 'node:timers/promises'
import type { Entry, MessageId } from '../port.ts'
import type { EntryReader } from './entry-reader.ts'
import type { Partitions } from './partitions.ts'

/** So many pages are read before they are asked for: while the server works on what was made of one, the next is here, and the one behind it on its way. */
const PAGES = 3
/** So many entries are looked at in one turn of the event loop: what is to be sent, and what came, goes between two. */
const LOOKED_AT = 50
/** Nothing is read ahead behind a page with more characters of payloads. */
const HEAVY = 4 * 1024 * 1024

export interface PagesAheadParts<Item> {
  readonly reader: EntryReader
  readonly partitions: Partitions
  /** Entries in a page. */
  readonly size: number
  /** What is made of an entry when it is here. */
  readonly toItem: (entry: Entry) => Item
}

/** What was read ahead behind a place, and what brings more of it. */
interface Stretch<Item> {
  place: string
  readonly items: Item[]
  reading?: Promise<void> | undefined
}

/**
 * The entries behind places of a log, in pages of one size. A place is a message id for each stream, with spaces between.
 * Behind a full page, unless it is a heavy one, the next ones are read ahead.
 */
export class PagesAhead<Item extends { readonly entry: Entry }> {
  readonly #parts: PagesAheadParts<Item>
  #ahead: Stretch<Item> = { place: '', items: [] }

  constructor(parts: PagesAheadParts<Item>) {
    this.#parts = parts
  }

  /** Whether there was, most likely, more behind the last page. */
  get hasMore(): boolean {
    return this.#ahead.items.length > 0 || this.#ahead.reading !== undefined
  }

  /** The page behind a place, as it is now where it ends the log. */
  async behind(place: string): Promise<Item[]> {
    const { size } = this.#parts
    const ahead = this.#ahead.place === place ? this.#ahead : { place, items: [] }
    while (ahead.items.length < size && ahead.reading !== undefined) await ahead.reading
    const isFull = ahead.items.length >= size
    const page = isFull ? ahead.items.splice(0, size) : await this.#read(place, size)
    this.#ahead = isFull ? ahead : { place, items: [] }
    this.#ahead.place = this.#endOf(place, page)
    if (page.length === size && weightOf(page) <= HEAVY) this.#readOn(this.#ahead)
    return page
  }

  /** Reads as much behind what is here as there is room for. */
  #readOn(ahead: Stretch<Item>): void {
    const room = PAGES * this.#parts.size - ahead.items.length
    if (ahead !== this.#ahead || ahead.reading !== undefined || room < this.#parts.size) return
    ahead.reading = this.#read(this.#endOf(ahead.place, ahead.items), room).then(
      (more) => {
        ahead.items.push(...more)
        ahead.reading = undefined
        if (more.length === room && weightOf(more) <= HEAVY) this.#readOn(ahead)
      },
      () => {
        // Whoever asks for it reads it anew, and meets what is wrong.
        ahead.reading = undefined
      }
    )
  }

  #endOf(place: string, items: readonly Item[]): string {
    const ids = place.split(' ')
    for (const { entry } of items) ids[this.#parts.partitions.numberOf(entry.messageId)] = entry.messageId
    return ids.join(' ')
  }

  async #read(place: string, limit: number): Promise<Item[]> {
    const ids: MessageId[] = place.split(' ')
    const entries = await this.#parts.reader.behind(ids, limit)
    const items: Item[] = []
    for (const [i, entry] of entries.entries()) {
      if (i % LOOKED_AT === LOOKED_AT - 1) await turn()
      items.push(this.#parts.toItem(entry))
    }
    return items
  }
}

function weightOf(items: readonly { readonly entry: Entry }[]): number {
  return items.reduce((sum, { entry }) => sum + (entry.payload?.length ?? 0), 0)
}
