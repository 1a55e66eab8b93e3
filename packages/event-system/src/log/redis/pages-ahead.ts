import { setImmediate as turn } from 'node:timers/promises'
import type { Entry, MessageId } from '../port.ts'
import type { EntryReader } from './entry-reader.ts'

/** So many pages are read before they are asked for: while the server works on what was made of one, the next is here, and the one behind it on its way. */
const PAGES = 3
/** So many entries are looked at in one turn of the event loop: what is to be sent, and what came, goes between two. */
const LOOKED_AT = 50
/** Nothing is read ahead behind a page with more characters of payloads. */
const HEAVY = 4 * 1024 * 1024

export interface PagesAheadParts<Item> {
  readonly reader: EntryReader
  /** Entries in a page. */
  readonly size: number
  /** What is made of an entry when it is here. */
  readonly toItem: (entry: Entry) => Item
}

/** What was read ahead behind a place, and what brings more of it. */
interface Stretch<Item> {
  place: MessageId
  readonly items: Item[]
  reading?: Promise<void> | undefined
}

/** The entries behind a message id, in pages of one size. Behind a full page, unless it is a heavy one, the next ones are read ahead. */
export class PagesAhead<Item extends { readonly entry: Entry }> {
  readonly #parts: PagesAheadParts<Item>
  #ahead: Stretch<Item> = { place: '0-0', items: [] }

  constructor(parts: PagesAheadParts<Item>) {
    this.#parts = parts
  }

  /** Whether there was, most likely, more behind the last page. */
  get hasMore(): boolean {
    return this.#ahead.items.length > 0 || this.#ahead.reading !== undefined
  }

  /** The page behind a place, as it is now where it ends the log. */
  async behind(place: MessageId): Promise<Item[]> {
    const { size } = this.#parts
    const ahead = this.#ahead.place === place ? this.#ahead : { place, items: [] }
    while (ahead.items.length < size && ahead.reading !== undefined) await ahead.reading
    const isFull = ahead.items.length >= size
    const page = isFull ? ahead.items.splice(0, size) : await this.#read(place, size)
    this.#ahead = isFull ? ahead : { place, items: [] }
    this.#ahead.place = endOf(place, page)
    if (page.length === size && weightOf(page) <= HEAVY) this.#readOn(this.#ahead)
    return page
  }

  /** Reads as much behind what is here as there is room for. */
  #readOn(ahead: Stretch<Item>): void {
    const room = PAGES * this.#parts.size - ahead.items.length
    if (ahead !== this.#ahead || ahead.reading !== undefined || room < this.#parts.size) return
    ahead.reading = this.#read(endOf(ahead.place, ahead.items), room).then(
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

  async #read(place: MessageId, limit: number): Promise<Item[]> {
    const entries = await this.#parts.reader.behind(place, limit)
    const items: Item[] = []
    for (const [i, entry] of entries.entries()) {
      if (i % LOOKED_AT === LOOKED_AT - 1) await turn()
      items.push(this.#parts.toItem(entry))
    }
    return items
  }
}

/** Where the page behind these begins. */
function endOf(place: MessageId, items: readonly { readonly entry: Entry }[]): MessageId {
  return items.at(-1)?.entry.messageId ?? place
}

function weightOf(items: readonly { readonly entry: Entry }[]): number {
  return items.reduce((sum, { entry }) => sum + (entry.payload?.length ?? 0), 0)
}
