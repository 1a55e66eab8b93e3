import { assertExpectedVersions, EventSystemError } from '@tradpal/events'
import { assertEntries } from './entry-terms.ts'
import { assertLeaseName } from './lease-terms.ts'
import type { Collection, CursorMove, MessageId, Unit, Write } from './port.ts'

/** Each part that a unit can have, in the order in which its conditions are checked. */
export const UNIT_PARTS: ReadonlySet<keyof Unit> = new Set([
  'fence',
  'acknowledge',
  'attach',
  'requeue',
  'cursors',
  'append',
  'write'
])

const MOST_UNITS = 100
const MOST_BYTES = 16_777_216
/** Ten years. */
const LONGEST_MS = 315_360_000_000

/** Throws `invalid_argument` for units that no log commits. Message ids are left to the log. */
export function assertUnits(units: readonly Unit[]): void {
  if (units.length > MOST_UNITS) throw wrong(`A call takes at most ${MOST_UNITS} units, got ${units.length}.`)
  for (const unit of units) assertUnit(unit)
}

/** Throws `invalid_argument` for what names no cursor. */
export function assertCursorName(name: string): void {
  if (!isText(name, 500)) throw wrong('The name of a cursor must have 1 to 500 characters.')
}

/** Throws `invalid_argument` for what names no collection. */
export function assertCollection(collection: Collection): void {
  const name = typeof collection === 'string' ? collection : collection.name
  if (!isText(name, 500)) throw wrong('The name of a collection must have 1 to 500 characters.')
  if (typeof collection === 'string') return
  const { keepMs } = collection
  if (Number.isSafeInteger(keepMs) && keepMs >= 1 && keepMs <= LONGEST_MS) return
  throw wrong(`keepMs must be a whole number of ms from 1 to ${LONGEST_MS}, got ${keepMs}.`)
}

/** Throws `invalid_argument` for what is no id of a document. */
export function assertDocumentId(id: string): void {
  if (!isText(id, 1_000))
    throw wrong('The id of a document must have 1 to 1,000 characters, none of them half a character.')
}

/** Throws `invalid_argument` for what no id begins with. All ids begin with an empty text. */
export function assertIdPrefix(prefix: string): void {
  if (prefix !== '') assertDocumentId(prefix)
}

/** Throws `invalid_argument` for a value that no document has. */
export function assertDocumentValue(value: string): void {
  if (typeof value === 'string' && Buffer.byteLength(value) <= MOST_BYTES) return
  throw wrong(`The value of a document must be a text of at most ${MOST_BYTES} bytes.`)
}

/** Throws `invalid_argument` for what is no revision of a document. */
export function assertRevision(revision: number): void {
  if (Number.isSafeInteger(revision) && revision >= 1) return
  throw wrong(`The revision of a document must be a whole number of at least 1, got ${revision}.`)
}

function assertUnit(unit: Unit): void {
  const { fence = [], cursors = [], append, write = [] } = unit
  for (const { lease, token } of fence) {
    assertLeaseName(lease)
    if (!Number.isSafeInteger(token)) throw wrong(`The token of a lease must be a whole number, got ${token}.`)
  }
  assertPending(unit)
  assertMoves(cursors)
  assertExpectedVersions(append?.expected ?? [])
  assertEntries(append?.entries ?? [])
  assertWrites(write)
}

function assertPending({ acknowledge = [], attach = [], requeue = [] }: Unit): void {
  const conditions = attach.flatMap((one) => ('consumer' in one.if ? [one.if] : []))
  for (const { consumer, attempt } of [...acknowledge, ...conditions]) {
    if (consumer === '') throw wrong('The name of a consumer must not be empty.')
    if (!Number.isSafeInteger(attempt)) throw wrong(`An attempt must be a whole number, got ${attempt}.`)
  }
  const named: readonly { readonly group: string; readonly messageId: MessageId }[] = [
    ...acknowledge,
    ...attach,
    ...requeue
  ]
  if (named.some(({ group }) => group === '')) throw wrong('The name of a group must not be empty.')
  const entries = new Set(named.map(({ group, messageId }) => JSON.stringify([group, messageId])))
  if (entries.size < named.length) throw wrong('A unit must name an entry of a group once.')
}

function assertMoves(moves: readonly CursorMove[]): void {
  for (const { name } of moves) assertCursorName(name)
  if (new Set(moves.map(({ name }) => name)).size < moves.length) throw wrong('A unit must move a cursor once.')
}

function assertWrites(writes: readonly Write[]): void {
  const documents = new Set<string>()
  for (const { collection, id, value, expected = 0 } of writes) {
    assertCollection(collection)
    assertDocumentId(id)
    if (value !== null) assertDocumentValue(value)
    const isLasting = typeof collection === 'string'
    if (!Number.isSafeInteger(expected) || expected < 0 || (!isLasting && expected !== 0)) {
      const form = isLasting ? 'a whole number of at least 0' : '0, or left out, in an expiring collection'
      throw wrong(`The expected revision of a document must be ${form}, got ${expected}.`)
    }
    documents.add(JSON.stringify([isLasting ? collection : collection.name, id]))
  }
  if (documents.size < writes.length) throw wrong('A unit must write a document once.')
}

function isText(text: unknown, most: number): boolean {
  return typeof text === 'string' && text !== '' && text.length <= most && text.isWellFormed()
}

function wrong(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
