import type { Collection, Unit, UnitResult, Write } from '../port.ts'
import { eventArguments } from './appender.ts'
import { mustBeSaid } from './arguments.ts'
import { mustBeMessageId } from './message-id.ts'
import { expectedArguments, placedResults } from './versions.ts'

/** A collection that units of one run write to. */
export interface NamedCollection {
  readonly name: string
  /** Of an expiring one. */
  readonly keepMs?: number
}

/** What the script `commit` answers for a unit: what was appended, or the condition that refused it. */
export type UnitReply =
  | [places: string[], duplicates: number[], revisions: number[]]
  | [part: keyof Unit, index: number, reason: Refusal]

type Refusal = Extract<UnitResult, { kind: 'refused' }>['reason']

/** Throws `invalid_message_id` and `invalid_argument` for texts that Redis would not take. */
export function assertUnitTexts(units: readonly Unit[]): void {
  for (const { cursors = [], append } of units) {
    for (const { to, expected } of cursors) {
      mustBeMessageId(to)
      if (expected !== undefined) mustBeMessageId(expected)
    }
    for (const { eventId } of append?.entries ?? []) mustBeSaid('An event id', eventId)
  }
}

/** About how many bytes it has. */
export function sizeOf({ append, write = [] }: Unit): number {
  let size = 0
  for (const { payload } of append?.entries ?? []) size += Buffer.byteLength(payload)
  for (const { value } of write) size += Buffer.byteLength(value ?? '')
  return size
}

/** The collections that units write to, each once. */
export function collectionsOf(units: readonly Unit[]): NamedCollection[] {
  const collections: NamedCollection[] = []
  for (const { write = [] } of units) {
    for (const { collection } of write) {
      if (numberOf(collection, collections) === 0) {
        collections.push(typeof collection === 'string' ? { name: collection } : collection)
      }
    }
  }
  return collections
}

/** From 1; 0 where it is not among them. */
function numberOf(collection: Collection, among: readonly NamedCollection[]): number {
  const { name, keepMs } = typeof collection === 'string' ? { name: collection, keepMs: undefined } : collection
  return 1 + among.findIndex((one) => one.name === name && one.keepMs === keepMs)
}

/** A unit as scripts/commit-n.lua takes it. */
export function unitArguments(unit: Unit, collections: readonly NamedCollection[]): string[] {
  const { fence = [], cursors = [], append, write = [] } = unit
  const { entries = [], expected = [] } = append ?? {}
  return [
    ...part(fence, ({ lease, token }) => [lease, String(token)]),
    ...part(cursors, ({ name, to, expected = '' }) => [name, to, expected]),
    ...expectedArguments(entries.length === 0 ? [] : expected),
    ...part(entries, (entry) => eventArguments(entry, entry.streamKey)),
    ...part(write, (one) => writeArguments(one, collections))
  ]
}

/** How many, and the arguments of each. */
function part<Member>(members: readonly Member[], argumentsOf: (member: Member) => string[]): string[] {
  return [String(members.length), ...members.flatMap(argumentsOf)]
}

function writeArguments(write: Write, collections: readonly NamedCollection[]): string[] {
  const { collection, id, value, expected = '' } = write
  const number = String(numberOf(collection, collections))
  return [number, id, value === null ? '0' : '1', value ?? '', String(expected)]
}

export function unitResult(reply: UnitReply, { append }: Unit): UnitResult {
  if (isRefusal(reply)) return { kind: 'refused', part: reply[0], index: reply[1], reason: reply[2] }
  const [places, duplicates, revisions] = reply
  return { kind: 'committed', appended: placedResults(places, duplicates, append?.entries ?? []), revisions }
}

function isRefusal(reply: UnitReply): reply is [keyof Unit, number, Refusal] {
  return typeof reply[0] === 'string'
}
