import { formatTimePlace, type TimePlace, timeBoundsOf } from '../../event-time.ts'
import type { Entry, Page, ReadRange } from '../../port.ts'
import { justBefore, LAST_MESSAGE_ID, mustBeMessageId } from '../message-id.ts'
import { type LabelFilter, numbersIn, type Selection } from './catalogue.ts'
import { eachInTail, type Segment } from './documents.ts'
import { FirstByEvent } from './first-by-event.ts'
import type { ReaderParts } from './in-log-order.ts'
import { isLate, labelledPosting } from './labelling.ts'
import { compareByEvent, compareInLog, decodePostings, idOf, type Posting, postingOf } from './postings.ts'
import type { EventRange } from './segments.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'

/** With the entry, where that is at hand. */
interface Found extends Posting {
  readonly entry?: Entry
}

interface Wanted extends EventRange {
  readonly filter: LabelFilter
}

/** Reads entries in the order of their event times: by the index as far as it has come, and with that what a look at each of the others finds. */
export class InEventOrder {
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.#parts = parts
  }

  async read({ from, to, direction = 'forward', limit, eventTypes, keys }: ReadRange): Promise<Page> {
    const bounds = timeBoundsOf({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
    const [behind, last] = [bounds.behind, bounds.last].map(({ eventTime, messageId }) =>
      postingOf(mustBeMessageId(messageId), eventTime)
    ) as [Posting, Posting]
    const filter = { ...(eventTypes && { eventTypes }), ...(keys && { keys }) }
    const places = await this.#places({ filter, direction, limit, behind, last })
    return pageOf(places, bounds.behind, direction)
  }

  /** Each round takes as many as are missing: what is gone from the log is passed over. */
  async #places(wanted: Wanted): Promise<Required<Found>[]> {
    const { connection, keys, catalogue } = this.#parts
    const snapshot = await snapshotOf(connection, keys, catalogue)
    const labels = catalogue.matching(wanted.filter)
    const taken: Required<Found>[] = []
    for (let rest = wanted; ; ) {
      const limit = wanted.limit - taken.length
      const found = await this.#round({ ...rest, limit }, labels, snapshot)
      taken.push(...(await this.#there(found)))
      const end = found.at(-1)
      if (end === undefined || taken.length === wanted.limit || found.length < limit) return taken
      rest = wanted.direction === 'forward' ? { ...rest, behind: end } : { ...rest, last: placeBefore(end) }
    }
  }

  /** The first ones of all that there are; fewer than the limit at the end. */
  async #round(wanted: Wanted, labels: Selection, snapshot: Snapshot | undefined): Promise<Found[]> {
    const parts = await Promise.all([
      this.#scanned(wanted, snapshot),
      snapshot === undefined ? [] : inTail(wanted, labels, snapshot),
      snapshot === undefined ? [] : this.#parts.segments.late(snapshot.name, labels, wanted),
      snapshot === undefined ? [] : this.#inSegments(wanted, labels, snapshot)
    ])
    const first = new FirstByEvent<Found>(wanted)
    for (const found of withoutRepeats(parts.flat())) first.add(found)
    return first.found()
  }

  async #there(found: readonly Found[]): Promise<Required<Found>[]> {
    const ids = found.filter(({ entry }) => entry === undefined).map(idOf)
    const entries = await this.#parts.reader.get(ids)
    const fetched = new Map(ids.map((id, i) => [id, entries[i]]))
    return found.flatMap((one) => {
      const entry = one.entry ?? fetched.get(idOf(one))
      const { eventTime } = one
      return entry === undefined ? [] : [{ ...one, entry: { ...entry, eventTime }, messageId: entry.messageId }]
    })
  }

  /** Keeps no more of the postings than the read wants. */
  async #scanned(wanted: Wanted, snapshot: Snapshot | undefined): Promise<Found[]> {
    const isInRange = inRange(wanted)
    const first = new FirstByEvent<Found>(wanted)
    const range = { direction: 'forward', behind: snapshot?.indexedTo ?? '0-0', last: LAST_MESSAGE_ID } as const
    for await (const { entry, label } of this.#parts.scan.entries(wanted.filter, range)) {
      const found: Found = { ...labelledPosting(entry, label), entry }
      if (isInRange(found)) first.add(found)
    }
    return first.found()
  }

  /** Segment by segment in the order in which they begin: until no other begins before the last that is wanted. */
  async #inSegments(wanted: Wanted, labels: Selection, { name, first, segments }: Snapshot): Promise<Posting[]> {
    if (first === undefined) return []
    const { direction, limit, behind, last } = wanted
    const isInRange = inRange(wanted)
    const oldest = postingOf(first, 0)
    const ordered = segments
      .filter(({ earliest, latest }) => earliest <= latest)
      .filter(({ earliest, latest }) => latest >= behind.eventTime && earliest <= last.eventTime)
      .sort(direction === 'forward' ? (a, b) => a.earliest - b.earliest : (a, b) => b.latest - a.latest)
    const earliest = new FirstByEvent<Posting>(wanted)
    let read = 0
    for await (const { segments: group, texts } of this.#parts.segments.postings(name, ordered, labels)) {
      read += group.length
      for (const text of texts.flat()) {
        decodePostings(text, (posting) => {
          if (!isLate(posting) && isInRange(posting) && compareInLog(posting, oldest) >= 0) earliest.add(posting)
        })
      }
      const found = earliest.found()
      if (found.length === limit && !mayPrecede(ordered[read], found.at(-1) as Posting, direction)) break
    }
    return earliest.found()
  }
}

function inTail(wanted: Wanted, labels: Selection, { first, tail }: Snapshot): Posting[] {
  if (first === undefined || labels.length === 0) return []
  const isInRange = inRange(wanted)
  const oldest = postingOf(first, 0)
  const earliest = new FirstByEvent<Posting>(wanted)
  eachInTail(tail, numbersIn(labels), (posting) => {
    if (isInRange(posting) && compareInLog(posting, oldest) >= 0) earliest.add(posting)
  })
  return earliest.found()
}

function inRange({ behind, last }: EventRange): (posting: Posting) => boolean {
  return (posting) => compareByEvent(posting, behind) > 0 && compareByEvent(posting, last) <= 0
}

/** Whether a segment may have something before this, in the direction. */
function mayPrecede(segment: Segment | undefined, posting: Posting, direction: EventRange['direction']): boolean {
  if (segment === undefined) return false
  return direction === 'forward' ? segment.earliest <= posting.eventTime : segment.latest >= posting.eventTime
}

/** An entry is found twice when it was written as late while it was still in the tail. */
function withoutRepeats(found: readonly Found[]): Found[] {
  return [...new Map(found.map((one) => [idOf(one), one])).values()]
}

function placeBefore(posting: Posting): Posting {
  return postingOf(justBefore(idOf(posting)), posting.eventTime)
}

function placeOf(posting: Posting): TimePlace {
  return { eventTime: posting.eventTime, messageId: idOf(posting) }
}

function pageOf(found: readonly Required<Found>[], behind: TimePlace, direction: EventRange['direction']): Page {
  const entries = found.map(({ entry }) => entry)
  const [first, last] = [found[0], found.at(-1)]
  if (first === undefined || last === undefined) {
    return { entries, from: formatTimePlace(behind), position: formatTimePlace(behind) }
  }
  if (direction === 'forward') {
    return { entries, from: formatTimePlace(behind), position: formatTimePlace(placeOf(last)) }
  }
  return { entries, from: formatTimePlace(placeOf(first)), position: formatTimePlace(placeOf(placeBefore(last))) }
}
