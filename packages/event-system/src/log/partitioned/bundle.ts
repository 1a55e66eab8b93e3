import type { PartitionUnit, Unit, UnitResult } from '../port.ts'
import type { Partition, Unfinished } from './partition.ts'

/** A bundle takes this number of characters and of units, at most: the log does nothing else meanwhile. */
const MOST_CHARACTERS = 256 * 1_024
const MOST_UNITS = 1_000

/** A unit of the caller, with its place among the others. */
export interface Piece {
  readonly place: number
  readonly unit: PartitionUnit
}

/** Units of one partition that are committed as one: all of them, or none. */
export interface Bundle {
  readonly partition: Partition
  readonly pieces: readonly Piece[]
  readonly done: readonly Unfinished[]
  readonly noted: ReadonlyMap<Unfinished, string>
  /** Of these an entry is not in flight. */
  readonly lost: readonly Piece[]
}

/** The first of the units that fit into one: all of them for most. Two writes of one document stay apart, since each has an expectation of its own. */
export function bundleOf(partition: Partition, queue: readonly Piece[], atMost = MOST_UNITS): Bundle {
  const done = new Set<Unfinished>()
  const noted = new Map<Unfinished, string>()
  const written = new Set<string>()
  const pieces: Piece[] = []
  const lost: Piece[] = []
  let characters = 0
  for (const piece of queue) {
    const { unit } = piece
    const finished = entriesOf(partition, unit, done)
    if (finished === undefined) {
      lost.push(piece)
      continue
    }
    const documents = (unit.write ?? []).map(
      ({ collection, id }) => `${typeof collection === 'string' ? collection : collection.name} ${id}`
    )
    const isApart = (unit.append?.expected?.length ?? 0) > 0 || documents.some((document) => written.has(document))
    characters += charactersOf(unit)
    if (pieces.length > 0 && (isApart || characters > MOST_CHARACTERS)) break
    pieces.push(piece)
    for (const one of finished.done) done.add(one)
    for (const [one, note] of finished.noted) noted.set(one, note)
    for (const document of documents) written.add(document)
    if (isApart || pieces.length >= atMost) break
  }
  return { partition, pieces, done: [...done], noted, lost }
}

/** Undefined where one of them is not in flight. */
function entriesOf(partition: Partition, { done, notes = {} }: PartitionUnit, before: ReadonlySet<Unfinished>) {
  const finished: Unfinished[] = []
  for (const { messageId, epoch } of done) {
    const one = partition.inFlight(messageId, epoch)
    if (one === undefined || before.has(one)) return undefined
    finished.push(one)
  }
  const noted: [Unfinished, string][] = []
  for (const [messageId, note] of Object.entries(notes)) {
    const one = partition.inFlight(messageId, partition.epoch)
    if (one === undefined || before.has(one)) return undefined
    noted.push([one, note])
  }
  return { done: finished, noted }
}

function charactersOf({ append, write = [], notes = {} }: PartitionUnit): number {
  const ofEntries = (append?.entries ?? []).reduce((sum, { payload }) => sum + payload.length, 0)
  const ofDocuments = write.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
  return ofEntries + ofDocuments + Object.values(notes).reduce((sum, note) => sum + note.length, 0)
}

/** What the callers write, in the order of the pieces. */
export function partsOf(
  pieces: readonly Piece[]
): Pick<Unit, 'append'> & { readonly write: NonNullable<Unit['write']> } {
  const entries = pieces.flatMap(({ unit }) => unit.append?.entries ?? [])
  const expected = pieces.flatMap(({ unit }) => unit.append?.expected ?? [])
  return {
    ...(entries.length > 0 && { append: { entries, ...(expected.length > 0 && { expected }) } }),
    write: pieces.flatMap(({ unit }) => unit.write ?? [])
  }
}

/** What was committed, for each piece. */
export function resultsOf(
  pieces: readonly Piece[],
  { appended, revisions }: UnitResult & { kind: 'committed' }
): UnitResult[] {
  let entry = 0
  let document = 0
  return pieces.map(({ unit }) => {
    const entries = unit.append?.entries.length ?? 0
    const documents = unit.write?.length ?? 0
    const result = {
      kind: 'committed' as const,
      appended: appended.slice(entry, entry + entries),
      revisions: revisions.slice(document, document + documents)
    }
    entry += entries
    document += documents
    return result
  })
}
