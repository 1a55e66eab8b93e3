import type { Attachment, Collection, MessageId, Unit, UnitResult, Write } from '../port.ts'
import { eventArguments } from './appender.ts'
import { mustBeSaid } from './arguments.ts'
import { mustBeConsumer } from './holders.ts'
import { mustBeMessageId } from './message-id.ts'
import { expectedArguments, placedResults } from './versions.ts'

/** What units of one run name by its number. */
export interface Targets {
  readonly collections: readonly NamedCollection[]
  readonly groups: readonly string[]
  /** Those of the entries that units append. */
  readonly streamKeys: readonly string[]
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
export function assertUnitTexts(units: readonly Unit[]): void {
  for (const { acknowledge = [], attach = [], requeue = [], cursors = [], append } of units) {
    for (const { messageId } of [...acknowledge, ...attach, ...requeue]) mustBeMessageId(messageId)
    for (const { consumer } of acknowledge) mustBeConsumer(consumer)
    for (const { if: condition } of attach) if ('consumer' in condition) mustBeConsumer(condition.consumer)
    for (const { to, expected } of cursors) {
      mustBeMessageId(to)
      if (expected !== undefined) mustBeMessageId(expected)
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

export function targetsOf(units: readonly Unit[]): Targets {
  return { collections: collectionsOf(units), groups: groupsOf(units), streamKeys: streamKeysOf(units) }
}

/** The groups that units name, each once. */
function groupsOf(units: readonly Unit[]): string[] {
  const named = units.flatMap(({ acknowledge = [], attach = [], requeue = [] }) => [
    ...acknowledge,
    ...attach,
    ...requeue
  ])
  return [...new Set(named.map(({ group }) => group))]
}

/** The stream keys of what units append, each once. */
function streamKeysOf(units: readonly Unit[]): string[] {
  const entries = units.flatMap(({ append }) => append?.entries ?? [])
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
export function unitArguments(unit: Unit, { collections, groups }: Targets): string[] {
  const { fence = [], acknowledge = [], attach = [], requeue = [], cursors = [], append, write = [] } = unit
  const { entries = [], expected = [] } = append ?? {}
  const entryOf = ({ group, messageId }: { readonly group: string; readonly messageId: MessageId }) => [
    String(1 + groups.indexOf(group)),
    messageId
  ]
  return [
    ...part(fence, ({ lease, token }) => [lease, String(token)]),
    ...part(acknowledge, (one) => [...entryOf(one), one.consumer, String(one.attempt)]),
    ...part(attach, (one) => [...entryOf(one), one.text, ...conditionArguments(one.if)]),
    ...part(requeue, (one) => [...entryOf(one), one.attachment === undefined ? '0' : '1', one.attachment ?? '']),
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
