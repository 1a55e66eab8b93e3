import type { Collections, EntryLabel, ReadRange } from '../../port.ts'
import { LABELS, labelId, labelIn, labelText, SEGMENTS, type Segment, segmentId, segmentIn } from './documents.ts'

/** A page of a collection. */
const PAGE = 1_000

/** The types and the keys that a read asks for, as in {@link ReadRange}. */
export type LabelFilter = Pick<ReadRange, 'eventTypes' | 'keys'>

/** Labels of an index, by their numbers. */
export type Selection = 'all' | readonly number[]

/** Whether a label is among them. */
export function numbersIn(labels: Selection): (label: number) => boolean {
  if (labels === 'all') return () => true
  const numbers = new Set(labels)
  return (label) => numbers.has(label)
}

/** How an index stood at a time: as long as its collections have these revisions, nothing is new in them. */
export interface CatalogueState {
  readonly name: string
  readonly labels: string
  readonly segments: string
}

/** The labels and the segments of an index, as this process knows them. Of one index both only become more, but for segments that are trimmed. */
export class Catalogue {
  readonly #collections: Collections
  #state: CatalogueState = { name: '', labels: '', segments: '' }
  readonly #labels: EntryLabel[] = []
  readonly #numbers = new Map<string, number>()
  #segments: readonly Segment[] = []
  #lastSegment = 0
  #learning: Promise<void> | undefined

  constructor(collections: Collections) {
    this.#collections = collections
  }

  get labels(): readonly EntryLabel[] {
    return this.#labels
  }

  /** In log order. Some may be trimmed. */
  get segments(): readonly Segment[] {
    return this.#segments
  }

  /** The number of the last segment, which is there or was; 0 when there was none. */
  get lastSegment(): number {
    return this.#lastSegment
  }

  /** Whether it is as the index was at that time, or newer. */
  isAt({ name, labels, segments }: CatalogueState): boolean {
    return name === this.#state.name && labels === this.#state.labels && segments === this.#state.segments
  }

  /** Learns at least what the index had at that time. Calls at the same time learn it together. */
  learn(state: CatalogueState): Promise<void> {
    this.#learning ??= this.#learn(state).finally(() => {
      this.#learning = undefined
    })
    return this.#learning
  }

  async #learn(state: CatalogueState): Promise<void> {
    if (state.name !== this.#state.name) {
      this.#labels.length = 0
      this.#numbers.clear()
      this.#segments = []
      this.#lastSegment = 0
    }
    const [labels, segments] = await Promise.all([
      this.#behind(LABELS, 'label:', labelId(this.#labels.length)),
      this.#behind(SEGMENTS, 'segment:', segmentId({ number: this.#lastSegment }))
    ])
    for (const { value } of labels) this.#add(labelIn(value))
    this.#segments = [...this.#segments, ...segments.map(segmentIn)]
    this.#lastSegment = this.#segments.at(-1)?.number ?? this.#lastSegment
    this.#state = state
  }

  /** The number of a label, from 1; `undefined` where it is not known. */
  numberOf(label: EntryLabel): number | undefined {
    return this.#numbers.get(labelText(label))
  }

  /** The numbers of the labels that a read is of; `all` where it asks for none in particular. */
  matching(filter: LabelFilter): Selection {
    if (filter.eventTypes === undefined && filter.keys === undefined) return 'all'
    const isWanted = matches(filter)
    return this.#labels.flatMap((label, i) => (isWanted(label) ? i + 1 : []))
  }

  /** Forgets segments that are trimmed. */
  forget(isTrimmed: (segment: Segment) => boolean): void {
    if (this.#segments[0] !== undefined && isTrimmed(this.#segments[0])) {
      this.#segments = this.#segments.filter((segment) => !isTrimmed(segment))
    }
  }

  #add(label: EntryLabel): void {
    this.#labels.push(label)
    this.#numbers.set(labelText(label), this.#labels.length)
  }

  async #behind(collection: string, prefix: string, last: string) {
    const documents = []
    for (let after = last; ; ) {
      const page = await this.#collections.list(collection, { prefix, after, limit: PAGE })
      documents.push(...page)
      if (page.length < PAGE) return documents
      after = page.at(-1)?.id ?? after
    }
  }
}

/** Whether a read is of entries with a label. */
export function matches({ eventTypes, keys }: LabelFilter): (label: EntryLabel) => boolean {
  const [types, wanted] = [eventTypes && new Set(eventTypes), keys && new Set(keys)]
  return ({ eventType, key }) =>
    (types === undefined || types.has(eventType)) && (wanted === undefined || (key !== undefined && wanted.has(key)))
}
