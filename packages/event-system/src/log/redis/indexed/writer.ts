import type { Entry, EntryLabel, MessageId, Storage, Write } from '../../port.ts'
import { Tally } from '../../rates.ts'
import type { Connection } from '../connection.ts'
import { type LogKeys, lateKey, segmentKey } from '../keys.ts'
import { runScript, type ScriptName } from '../scripts.ts'
import { type Catalogue, numbersIn } from './catalogue.ts'
import {
  eachInTail,
  LABELS,
  labelId,
  labelText,
  type Segment,
  segmentWrite,
  tailRemovals,
  tailWrites
} from './documents.ts'
import { isLate, labelledPosting } from './labelling.ts'
import { bySet, LATE, latePlace, lateText } from './late.ts'
import { commitUnderLease, INDEX, type IndexUnit } from './lease.ts'
import { encodePostings, idOf, type LabelledPosting } from './postings.ts'
import { rateWrites } from './rates.ts'
import { snapshotOf } from './snapshot.ts'

/** The number of labels of a segment, or of late entries, that one step writes. The server does nothing else meanwhile. */
const STEP = 250

export interface WriterParts {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly catalogue: Catalogue
  readonly storage: Pick<Storage, 'collections' | 'commit'>
  /** The number of entries at which the tail becomes a segment. */
  readonly segmentSize: number
}

/**
 * Writes the index, under one token of its lease. Entries come into the tail, in one unit with the move of the cursor and the rates. A long tail
 * becomes a segment: its postings first, and then its document, in one unit with the removal of the tail. What a crash leaves of
 * a segment without a document, the next attempt writes over.
 */
export class IndexWriter {
  readonly #parts: WriterParts
  readonly #token: number
  /** As it stands in the log: with these labels the next are numbered. */
  #tail: LabelledPosting[] = []
  #lastSegment = 0
  #labelCount = 0
  readonly #newLabels = new Map<string, number>()

  constructor(parts: WriterParts, token: number) {
    this.#parts = parts
    this.#token = token
  }

  /** Takes over what stands there. Resolves to false where there is no index. */
  async open(): Promise<boolean> {
    const { connection, keys, catalogue } = this.#parts
    const snapshot = await snapshotOf(connection, keys, catalogue)
    eachInTail(snapshot?.tail ?? [], numbersIn('all'), (posting, label) => this.#tail.push({ ...posting, label }))
    this.#labelCount = catalogue.labels.length
    this.#lastSegment = catalogue.lastSegment
    return snapshot !== undefined
  }

  /** Adds entries that follow `position`. Resolves to whether they were added: else another holder has the lease, or the index is gone. */
  async add(
    position: MessageId,
    entries: readonly Entry[],
    labels: readonly (EntryLabel | undefined)[]
  ): Promise<boolean> {
    if (this.#tail.length >= this.#parts.segmentSize && !(await this.#newSegment())) return false
    const { collections } = this.#parts.storage
    const now = Date.now()
    const tally = new Tally(now)
    const known = this.#tail.length
    const labelWrites: Write[] = []
    for (const [i, entry] of entries.entries()) {
      const label = labels[i]
      if (label === undefined) continue
      tally.add(label.eventType, entry.appendedAt)
      this.#tail.push({ ...labelledPosting(entry, label), label: this.#numberOf(label, labelWrites) })
    }
    const tail = this.#tail.length > known ? tailWrites(this.#tail, known) : []
    return this.#commit({
      cursors: [{ name: INDEX, to: (entries.at(-1) as Entry).messageId, expected: position }],
      write: [...labelWrites, ...tail, ...(await rateWrites(collections, tally, now))]
    })
  }

  #numberOf(label: EntryLabel, writes: Write[]): number {
    const text = labelText(label)
    const known = this.#parts.catalogue.numberOf(label) ?? this.#newLabels.get(text)
    if (known !== undefined) return known
    this.#labelCount += 1
    this.#newLabels.set(text, this.#labelCount)
    writes.push({ collection: LABELS, id: labelId(this.#labelCount), value: text, expected: 0 })
    return this.#labelCount
  }

  async #newSegment(): Promise<boolean> {
    const tail = this.#tail
    const segment = this.#segmentOf(tail)
    if (!(await this.#writePostings(segment, tail)) || !(await this.#writeLate(tail))) return false
    if (!(await this.#commit({ write: [segmentWrite(segment), ...tailRemovals(tail.length)] }))) return false
    this.#lastSegment = segment.number
    this.#tail = []
    return true
  }

  #segmentOf(tail: readonly LabelledPosting[]): Segment {
    const times = tail.filter((posting) => !isLate(posting)).map(({ eventTime }) => eventTime)
    return {
      number: this.#lastSegment + 1,
      first: idOf(tail[0] as LabelledPosting),
      last: idOf(tail.at(-1) as LabelledPosting),
      earliest: times.reduce((a, b) => Math.min(a, b), Number.MAX_SAFE_INTEGER),
      latest: times.reduce((a, b) => Math.max(a, b), Number.MIN_SAFE_INTEGER)
    }
  }

  async #writePostings({ number }: Segment, tail: readonly LabelledPosting[]): Promise<boolean> {
    const key = segmentKey(this.#parts.keys, number)
    if (!(await this.#run('dropKeys', [key], []))) return false
    const fields = [...Map.groupBy(tail, ({ label }) => label)].map(([label, postings]) => [
      String(label),
      encodePostings(postings)
    ])
    fields.push([LATE, lateText(tail.filter(isLate))])
    for (let from = 0; from < fields.length; from += STEP) {
      if (!(await this.#run('writeSegment', [key], fields.slice(from, from + STEP).flat()))) return false
    }
    return true
  }

  async #writeLate(tail: readonly LabelledPosting[]): Promise<boolean> {
    const late = tail.filter(isLate)
    for (let from = 0; from < late.length; from += STEP) {
      const some = bySet(late.slice(from, from + STEP))
      const sets = some.map(([label]) => lateKey(this.#parts.keys, label))
      const args = some.flatMap(([, postings]) => [String(postings.length), ...postings.map(latePlace)])
      if (!(await this.#run('addLate', sets, args))) return false
    }
    return true
  }

  /** Resolves to false when another holder has the lease. */
  async #run(script: ScriptName, keys: readonly string[], args: readonly string[]): Promise<boolean> {
    const lease = [INDEX, String(this.#token)]
    const all = [this.#parts.keys.leases, ...keys]
    return (await runScript<number>(this.#parts.connection, script, all, [...lease, ...args])) === 1
  }

  #commit(unit: IndexUnit): Promise<boolean> {
    return commitUnderLease(this.#parts.storage, this.#token, unit)
  }
}
