import type { Entry, MessageId } from '../port.ts'
import type { EntryReader } from './entry-reader.ts'
import type { Partitions } from './partitions.ts'

/**
 * The entries behind places of a log, in pages of one size. A place is a message id for each stream, with spaces between.
 * While somebody works on a full page, the one behind it is read already.
 */
export class PagesAhead {
  readonly #reader: EntryReader
  readonly #partitions: Partitions
  readonly #size: number
  #ahead: { readonly place: string; readonly page: Promise<Entry[]> } | undefined

  constructor(reader: EntryReader, partitions: Partitions, size: number) {
    this.#reader = reader
    this.#partitions = partitions
    this.#size = size
  }

  /** The page behind a place, as it is now where it ends the log. */
  async behind(place: string): Promise<Entry[]> {
    const ahead = this.#ahead
    this.#ahead = undefined
    const page = ahead?.place === place ? await ahead.page : []
    return page.length === this.#size ? page : this.#read(place)
  }

  /** Begins to read what stands behind the page that stands behind a place, when that is full. */
  readOn(place: string, page: readonly Entry[]): void {
    if (page.length < this.#size) return
    const ids = place.split(' ')
    for (const { messageId } of page) ids[this.#partitions.numberOf(messageId)] = messageId
    const next = ids.join(' ')
    // Whoever asks for it reads it anew, and meets what is wrong.
    this.#ahead = { place: next, page: this.#read(next).catch(() => []) }
  }

  #read(place: string): Promise<Entry[]> {
    const ids: MessageId[] = place.split(' ')
    return this.#reader.behind(ids, this.#size)
  }
}
