import type { AppendEntry, Attachment, Collection, MessageId, Unit, UnitResult, Write } from '../port.ts'
import { eventArguments } from './appender.ts'
import { mustBeSaid } from './arguments.ts'
import { mustBeConsumer } from './holders.ts'
import type { Placed, Placing } from './placing.ts'
import { expectedArguments, placedResults } from './versions.ts'

/** What units of one run name by its number. */
export interface Targets {
  readonly collections: readonly NamedCollection[]
  readonly groups: readonly GroupTarget[]
  /** Those of the entries that units append. */
  readonly streamKeys: readonly string[]
  readonly placing: Placing
  readonly placed: Placed
}

/** A group, as far as units name entries of one partition. */
export interface GroupTarget {
  readonly group: string
  readonly partition: number
}

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
export function assertUnitTexts(units: readonly Unit[], placing: Placing): void {
  for (const { acknowledge = [], attach = [], requeue = [], cursors = [], append } of units) {
    for (const { messageId } of [...acknowledge, ...attach, ...requeue]) placing.placeOf(messageId)
    for (const { consumer } of acknowledge) mustBeConsumer(consumer)
    for (const { if: condition } of attach) if ('consumer' in condition) mustBeConsumer(condition.consumer)
    for (const { to, expected } of cursors) {
      placing.mustBeCheckpoint(to)
      if (expected !== undefined) placing.mustBeCheckpoint(expected)
    }
    for (const { eventId } of append?.entries ?? []) mustBeSaid('An event id', eventId)
  }
}

/** About how many bytes it has. */
export function sizeOf({ attach = [], requeue = [], append, write = [] }: Unit): number {
  let size = 0
  for (const { text } of attach) size += Buffer.byteLength(text)
  for (const { attachment = '' } of requeue) size += Buffer.byteLength(attachment)
  for (const { eventId, payload } of append?.entries ?? []) size += eventId.length + Buffer.byteLength(payload)
  for (const { id, value } of write) size += id.length + Buffer.byteLength(value ?? '')
  return size
}

export function targetsOf(units: readonly Unit[], placing: Placing): Targets {
  const entries = units.flatMap(({ append }) => append?.entries ?? [])
  return {
    collections: collectionsOf(units),
    groups: groupsOf(units, placing),
    streamKeys: streamKeysOf(entries),
    placing,
    placed: placing.place(entries)
  }
}

/** The groups that units name, each once for each partition. */
function groupsOf(units: readonly Unit[], placing: Placing): GroupTarget[] {
  const found: GroupTarget[] = []
  for (const { acknowledge = [], attach = [], requeue = [] } of units) {
    for (const { group, messageId } of [...acknowledge, ...attach, ...requeue]) {
      const target = { group, partition: placing.placeOf(messageId).partition }
      if (numberOfTarget(target, found) === 0) found.push(target)
    }
  }
  return found
}

/** From 1; 0 where it is not among them. */
function numberOfTarget({ group, partition }: GroupTarget, among: readonly GroupTarget[]): number {
  return 1 + among.findIndex((one) => one.group === group && one.partition === partition)
}

/** The stream keys of what is appended, each once. */
function streamKeysOf(entries: readonly AppendEntry[]): string[] {
  return [...new Set(entries.flatMap(({ streamKey }) => streamKey ?? []))]
}

/** The collections that units write to, each once. */
function collectionsOf(units: readonly Unit[]): NamedCollection[] {
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
export function unitArguments(unit: Unit, { collections, groups, placing, placed }: Targets): string[] {
  const { fence = [], acknowledge = [], attach = [], requeue = [], cursors = [], append, write = [] } = unit
  const { entries = [], expected = [] } = append ?? {}
  const entryOf = ({ group, messageId }: { readonly group: string; readonly messageId: MessageId }) => {
    const { partition, id } = placing.placeOf(messageId)
    return [String(numberOfTarget({ group, partition }, groups)), id]
  }
  return [
    ...part(fence, ({ lease, token }) => [lease, String(token)]),
    ...part(acknowledge, (one) => [...entryOf(one), one.consumer, String(one.attempt)]),
    ...part(attach, (one) => [...entryOf(one), one.text, ...conditionArguments(one.if)]),
    ...part(requeue, (one) => [...entryOf(one), one.attachment === undefined ? '0' : '1', one.attachment ?? '']),
    ...part(cursors, ({ name, to, expected = '' }) => [name, to, expected]),
    ...expectedArguments(entries.length === 0 ? [] : expected),
    ...part(entries, (entry) => eventArguments(entry, placed)),
    ...part(write, (one) => writeArguments(one, collections))
  ]
}

/** How many, and the arguments of each. */
function part<Member>(members: readonly Member[], argumentsOf: (member: Member) => string[]): string[] {
  return [String(members.length), ...members.flatMap(argumentsOf)]
}

function conditionArguments(condition: Attachment['if']): string[] {
  return 'consumer' in condition
    ? ['hold', condition.consumer, String(condition.attempt)]
    : ['from', condition.from, '']
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
