import type { Connection } from '../connection.ts'
import { collectionKeys, type LogKeys, lateKey, segmentKey } from '../keys.ts'
import { runScript } from '../scripts.ts'
import type { Selection } from './catalogue.ts'
import { LABELS, type Segment } from './documents.ts'
import { FirstByEvent, type FirstOptions } from './first-by-event.ts'
import { ALL_LABELS, LATE, latePlace } from './late.ts'
import { placeIn } from './places.ts'
import { decodePostings, type Posting, postingOf } from './postings.ts'

/** The most labels that one call looks for in segments, and the most sets of late entries. The server does nothing else meanwhile. */
const MOST_LOOKUPS = 2_000
const MOST_SETS = 1_000
/** Segments are read a few at first, and then more at once: what is looked for may be in each, or in hardly any. */
const FIRST_GROUP = 1
const LARGEST_GROUP = 64

/** The index was built again while it was read. */
export class IndexRebuilt extends Error {}

export interface EventRange extends FirstOptions {
  /** Behind the one, up to the other and including it, in the order of event times. */
  readonly behind: Posting
  readonly last: Posting
}

/** Reads the postings of labels from the segments of an index. Throws {@link IndexRebuilt}. */
export class Segments {
  readonly #connection: Connection
  readonly #keys: LogKeys
  readonly #labelDocuments: string

  constructor(connection: Connection, keys: LogKeys) {
    this.#connection = connection
    this.#keys = keys
    ;[this.#labelDocuments] = collectionKeys(keys, LABELS)
  }

  /** The postings of each segment as texts, one for each label that it has; group by group. */
  async *postings(
    name: string,
    segments: readonly Segment[],
    labels: Selection
  ): AsyncGenerator<{ readonly segments: readonly Segment[]; readonly texts: readonly string[][] }> {
    if (labels.length === 0) return
    let size = FIRST_GROUP
    for (let from = 0; from < segments.length; ) {
      const group = segments.slice(from, from + size)
      from += group.length
      size = Math.min(4 * size, LARGEST_GROUP)
      yield { segments: group, texts: await this.#inGroup(name, group, labels) }
    }
  }

  async #inGroup(name: string, segments: readonly Segment[], labels: Selection): Promise<string[][]> {
    const numbers = labels === 'all' ? [] : labels.map(String)
    const most = labels === 'all' ? 1 : Math.max(1, Math.floor(MOST_LOOKUPS / numbers.length))
    const asked: Promise<string[][] | null>[] = []
    for (let from = 0; from < segments.length; from += most) {
      const keys = segments.slice(from, from + most).map(({ number }) => segmentKey(this.#keys, number))
      const of = [this.#labelDocuments, ...keys]
      asked.push(runScript<string[][] | null>(this.#connection, 'readPostings', of, [name, ...numbers]))
    }
    return told(await Promise.all(asked))
      .flat()
      .map(textsIn)
  }

  /** The first late entries in the direction. */
  async late(name: string, labels: Selection, { direction, limit, behind, last }: EventRange): Promise<Posting[]> {
    const numbers = labels === 'all' ? [ALL_LABELS] : labels
    const bounds = [latePlace(behind), latePlace(last)]
    const asked: Promise<string[] | null>[] = []
    for (let from = 0; from < numbers.length; from += MOST_SETS) {
      const sets = numbers.slice(from, from + MOST_SETS).map((number) => lateKey(this.#keys, number))
      const args = [name, direction, String(limit), ...bounds]
      asked.push(runScript<string[] | null>(this.#connection, 'findLate', [this.#labelDocuments, ...sets], args))
    }
    const places = told(await Promise.all(asked))
      .flat()
      .map(placeIn)
    const first = new FirstByEvent<Posting>({ direction, limit })
    for (const { messageId, eventTime } of places) first.add(postingOf(messageId, eventTime))
    return first.found()
  }
}

function told<Reply>(replies: readonly (Reply | null)[]): Reply[] {
  if (replies.includes(null)) throw new IndexRebuilt()
  return replies as Reply[]
}

/** The postings that are wanted of what a segment has of labels, in no particular order. */
export function postingsIn(texts: readonly string[], isWanted: (posting: Posting) => boolean): Posting[] {
  const found: Posting[] = []
  for (const text of texts) {
    decodePostings(text, (posting) => {
      if (isWanted(posting)) found.push(posting)
    })
  }
  return found
}

/** The postings among labels and their postings in turn. */
function textsIn(fields: readonly string[]): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1] !== LATE)
}
