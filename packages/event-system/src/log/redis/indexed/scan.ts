import type { Entry, EntryLabel, MessageId } from '../../port.ts'
import type { EntryReader } from '../entry-reader.ts'
import { type LabelFilter, matches } from './catalogue.ts'
import { labelled } from './labelling.ts'
import type { IndexOptions } from './options.ts'

/** The number of entries that are read and labelled at once. */
const PAGE = 500

export interface LabelledEntry {
  readonly entry: Entry
  readonly label: EntryLabel
}

/** Which entries: behind the one id, up to the other and including it. */
export interface ScanRange {
  readonly direction: 'forward' | 'backward'
  readonly behind: MessageId
  readonly last: MessageId
}

/** Finds entries by looking at each: those that the index does not have yet. */
export class Scan {
  readonly #reader: EntryReader
  readonly #labelsOf: IndexOptions['labelsOf']

  constructor(reader: EntryReader, labelsOf: IndexOptions['labelsOf']) {
    this.#reader = reader
    this.#labelsOf = labelsOf
  }

  /** In log order, in the direction. */
  async *entries(filter: LabelFilter, { direction, behind, last }: ScanRange): AsyncGenerator<LabelledEntry> {
    const isWanted = matches(filter)
    let range = { from: { after: behind }, to: { checkpoint: last } }
    for (;;) {
      const { entries, position } = await this.#reader.read({ ...range, direction, limit: PAGE })
      const labels = await labelled(this.#labelsOf, entries)
      for (const [i, entry] of entries.entries()) {
        const label = labels[i]
        if (label !== undefined && isWanted(label)) yield { entry, label }
      }
      if (entries.length < PAGE) return
      range =
        direction === 'forward' ? { ...range, from: { after: position } } : { ...range, to: { checkpoint: position } }
    }
  }
}
