import { type Answer, answerOf, upcastIfPossible } from '@tradpal/events'
import { type EventCodec, keysOfSymbols, prepareReading } from '../codec/index.ts'
import { type Entry, type Page, type ReadRange, type Storage, tellGap } from '../log/index.ts'
import { decodeEntry } from './decode-entry.ts'
import type { ResolvedRange } from './event-query.ts'

/** How many entries a page has, unless fewer are asked for. */
const PAGE = 1_000

/** How a range is gone through. */
export interface Scan {
  /** Default `forward`. */
  readonly direction?: 'forward' | 'backward'
  /** How many entries are read at once. Default 1,000. */
  readonly limit?: number
  /** Looked at before each page and each event. */
  readonly signal?: AbortSignal | undefined
  /** Called with each page before its events are found. */
  readonly onPage?: (page: Page) => void
}

/** Finds the events of a range in a log, a page of entries at a time. */
export class LogScan {
  readonly #storage: Storage
  readonly #codec: EventCodec

  constructor(storage: Storage, codec: EventCodec) {
    this.#storage = storage
    this.#codec = codec
  }

  /** What `pick` makes of each matching event and its entry. */
  async *run<T extends string, Raw extends boolean, Item>(
    range: ResolvedRange,
    { direction = 'forward', limit = PAGE, signal, onPage }: Scan,
    pick: (event: Answer<T, Raw>, entry: Entry) => Item
  ): AsyncGenerator<Item, void> {
    await this.tellGap(range)
    let { from, to } = range
    const wanted = wantedOf(range, this.#codec)
    for (;;) {
      signal?.throwIfAborted()
      const page = await this.#storage.log.read({
        ...wanted,
        from,
        direction,
        limit,
        ...(to === undefined ? {} : { to })
      })
      onPage?.(page)
      const { entries, position } = page
      const bringing = prepareReading(this.#codec, entries)
      if (bringing !== undefined) await bringing
      // Keys that were brought are here for this turn: the caller may take its time with the events.
      const matched = bringing && new Map(entries.map((entry) => [entry, this.match<T, Raw>(entry, range)]))
      for (const entry of entries) {
        const event = matched === undefined ? this.match<T, Raw>(entry, range) : matched.get(entry)
        if (event === undefined) continue
        signal?.throwIfAborted()
        yield pick(event, entry)
      }
      if (entries.length < limit) return
      if (direction === 'forward') from = { after: position }
      else to = { checkpoint: position }
      // A log that answers synchronously would keep everybody else waiting until the end of the range.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** The event of an entry, when it is one that is looked for. */
  match<T extends string, Raw extends boolean>(
    entry: Entry,
    { types, symbols, raw }: ResolvedRange
  ): Answer<T, Raw> | undefined {
    const event = decodeEntry(entry, this.#codec, this.#storage)
    if (event === undefined) return undefined
    if (types !== undefined && !types.has(event.eventType)) return undefined
    // Either form is found by the same symbol.
    if (symbols !== undefined && !symbols.has(upcastIfPossible(event).data.symbol as string)) return undefined
    return answerOf<T, Raw>(event, raw)
  }

  /** Whether the index of the log knows an event of a range: of constant cost. Nothing is known of what takes a look at each event. */
  async isIndexed(range: ResolvedRange): Promise<boolean> {
    const wanted = wantedOf(range, this.#codec)
    if (!this.#storage.features.index || (range.symbols !== undefined && wanted.keys === undefined)) return false
    const { from, to } = range
    const { entries } = await this.#storage.log.read({ ...wanted, from, limit: 1, ...(to === undefined ? {} : { to }) })
    return entries.length > 0
  }

  async tellGap({ gapBehind, onGap }: ResolvedRange): Promise<void> {
    if (gapBehind !== undefined) await tellGap(this.#storage, gapBehind, onGap)
  }
}

/** What the log itself can look for. */
function wantedOf(
  { types, symbols, time }: ResolvedRange,
  codec: EventCodec
): Pick<ReadRange, 'eventTypes' | 'keys' | 'time'> {
  const keys = symbols && keysOfSymbols(symbols, codec)
  return {
    time,
    ...(types === undefined ? {} : { eventTypes: [...types] }),
    ...(keys === undefined ? {} : { keys })
  }
}
