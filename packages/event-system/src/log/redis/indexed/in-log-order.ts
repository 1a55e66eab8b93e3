import type { Entry, MessageId, Page, ReadRange } from '../../port.ts'
import type { Connection } from '../connection.ts'
import type { EntryReader } from '../entry-reader.ts'
import type { LogKeys } from '../keys.ts'
import { compareKnownIds, deliveredUpTo, justBefore, LAST_MESSAGE_ID, mustBeMessageId } from '../message-id.ts'
import { type Catalogue, type LabelFilter, numbersIn, type Selection } from './catalogue.ts'
import { eachInTail } from './documents.ts'
import { compareInLog, idOf, type Posting, postingOf } from './postings.ts'
import type { Scan, ScanRange } from './scan.ts'
import { postingsIn, type Segments } from './segments.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'

/** The number of entries that are fetched at once. */
const FETCH = 500

export interface ReaderParts {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly reader: EntryReader
  readonly catalogue: Catalogue
  readonly segments: Segments
  readonly scan: Scan
}

interface Wanted extends ScanRange {
  readonly filter: LabelFilter
  readonly limit: number
}

/** Reads the entries of some types and keys in log order: by the index as far as it has come, and behind that by looking at each. */
export class InLogOrder {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  async read({ from = 'start', to, direction = 'forward', limit, eventTypes, keys }: ReadRange): Promise<Page> {
    const behind = await this.#parts.reader.checkpointAt(from)
    const last = lastId(to)
    if (from === 'end' || last === undefined || compareKnownIds(behind, last) >= 0) {
      return { entries: [], from: behind, position: behind }
    }
    const filter = { ...(eventTypes && { eventTypes }), ...(keys && { keys }) }
    // Where a page without entries was read to, what comes meanwhile left out.
    const begin = direction === 'backward' ? earlierOf(last, await this.#parts.reader.newest()) : behind
    const entries = await this.#entries({ filter, limit, direction, behind, last })
    return pageOf(entries, begin, direction)
  }

  async #entries(wanted: Wanted): Promise<Entry[]> {
    const { connection, keys, catalogue } = this.#parts
    const { direction, limit, behind } = wanted
    const snapshot = await snapshotOf(connection, keys, catalogue)
    const scanned = { ...wanted, behind: laterOf(behind, snapshot?.indexedTo ?? behind) }
    const entries: Entry[] = []
    if (direction === 'backward') await this.#addScanned(entries, scanned)
    if (snapshot !== undefined && entries.length < limit) await this.#addIndexed(entries, wanted, snapshot)
    if (direction === 'forward') await this.#addScanned(entries, scanned)
    return entries
  }

  async #addIndexed(entries: Entry[], wanted: Wanted, snapshot: Snapshot): Promise<void> {
    const { reader, catalogue } = this.#parts
    for await (const postings of this.#postings(wanted, catalogue.matching(wanted.filter), snapshot)) {
      for (let from = 0; from < postings.length; ) {
        const count = Math.min(FETCH, wanted.limit - entries.length)
        const ids = postings.slice(from, from + count).map(idOf)
        from += ids.length
        // Entries that are gone from the log are passed over.
        entries.push(...(await reader.get(ids)).filter((entry) => entry !== undefined))
        if (entries.length === wanted.limit) return
      }
    }
  }

  /** The postings of the index in the range, in log order or backward. */
  async *#postings(
    { direction, behind, last }: Wanted,
    labels: Selection,
    { name, first, indexedTo, segments, tail }: Snapshot
  ): AsyncGenerator<readonly Posting[]> {
    if (first === undefined || labels.length === 0) return
    const start = laterOf(behind, justBefore(first))
    const [after, upTo] = [postingOf(start, 0), postingOf(earlierOf(last, indexedTo), 0)]
    const isInRange = (posting: Posting) => compareInLog(posting, after) > 0 && compareInLog(posting, upTo) <= 0
    const inOrder = (postings: Posting[]) => {
      postings.sort(compareInLog)
      return direction === 'forward' ? postings : postings.reverse()
    }
    const ofTail = () => {
      const found: Posting[] = []
      eachInTail(tail, numbersIn(labels), (posting) => {
        if (isInRange(posting)) found.push(posting)
      })
      return found
    }
    const ofRange = segments.filter(
      (segment) => compareKnownIds(segment.last, start) > 0 && compareKnownIds(segment.first, last) <= 0
    )
    if (direction === 'backward') yield inOrder(ofTail())
    const ordered = direction === 'forward' ? ofRange : ofRange.toReversed()
    for await (const { texts } of this.#parts.segments.postings(name, ordered, labels)) {
      for (const ofSegment of texts) yield inOrder(postingsIn(ofSegment, isInRange))
    }
    if (direction === 'forward') yield inOrder(ofTail())
  }

  /** Up to the limit. */
  async #addScanned(entries: Entry[], { filter, limit, ...range }: Wanted): Promise<void> {
    if (entries.length >= limit || compareKnownIds(range.behind, range.last) >= 0) return
    for await (const { entry } of this.#parts.scan.entries(filter, range)) {
      entries.push(entry)
      if (entries.length === limit) return
    }
  }
}

/** The last id that is wanted. `undefined` when that is before everything. */
function lastId(to: ReadRange['to']): MessageId | undefined {
  if (to === undefined) return LAST_MESSAGE_ID
  if ('checkpoint' in to) return mustBeMessageId(to.checkpoint)
  return to.time < 0 ? undefined : deliveredUpTo({ time: Math.floor(to.time) + 1 })
}

function laterOf(a: MessageId, b: MessageId): MessageId {
  return compareKnownIds(a, b) < 0 ? b : a
}

function earlierOf(a: MessageId, b: MessageId): MessageId {
  return compareKnownIds(a, b) < 0 ? a : b
}

function pageOf(entries: readonly Entry[], behind: MessageId, direction: ScanRange['direction']): Page {
  const [first, last] = [entries[0], entries.at(-1)]
  if (first === undefined || last === undefined) return { entries, from: behind, position: behind }
  if (direction === 'forward') return { entries, from: behind, position: last.messageId }
  return { entries, from: first.messageId, position: justBefore(last.messageId) }
}
