import { hash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '@tradpal/event-system'
import { type Proof, withoutSecrets } from '../access/index.ts'

/** What can stand in the audit log, and nothing else. */
export const ACTIONS = [
  'events.published',
  'events.replayed',
  'deliveries.settled',
  'dead_letters.requeued',
  'dead_letters.discarded',
  'log.trimmed',
  'log.rekeyed',
  'subjects.shredded',
  'keys.created',
  'keys.rotated',
  'keys.revoked',
  'groups.moved',
  'groups.changed',
  'groups.removed',
  'delivery_key.rotated',
  'audit.trimmed',
  'request.refused',
  'answer.ended'
] as const
export type AuditAction = (typeof ACTIONS)[number]

/**
 * What came of it. `begun`: it was about to be done, and another entry of the same request says what came of it; when there
 * is none, nobody knows. `spooled`: of events that wait on the disk of the service.
 */
export const OUTCOMES = ['begun', 'done', 'spooled', 'refused', 'failed'] as const
export type AuditOutcome = (typeof OUTCOMES)[number]

/** Who did it. */
export interface Actor {
  readonly principal: string
  /** How they proved it; of `operating system` and `the service` nobody else has the word. */
  readonly proof: Proof | 'operating system' | 'the service'
  readonly keyId?: string
  readonly address?: string
}

/** An entry before it has its place in the chain. */
export interface AuditDraft extends Actor {
  /** ms since the epoch, by the clock of who writes. */
  readonly at: number
  readonly action: AuditAction
  readonly requestId?: string
  /** Ids, counts and filters: no payload and no secret. */
  readonly what: JsonObject
  readonly outcome: AuditOutcome
  /** Of what was refused or failed. */
  readonly code?: string
}

/** Where a chain stands: the number and the hash of an entry. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

export interface AuditEntry extends AuditDraft {
  /** From 1, without a gap. */
  readonly seq: number
  /** The hash of the entry before. */
  readonly prev: string
  readonly hash: string
}

/** What stands before the first entry. */
export const BEGINNING: Head = { seq: 0, hash: '0'.repeat(64) }

const ID = /^(\d{1,15}):([0-9a-f]{64})$/

/** `<seq>:<hash>`; undefined for what is none. */
export function parseHead(text: string): Head | undefined {
  const [, seq, hash] = ID.exec(text) ?? []
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash }
}

export function headText({ seq, hash }: Head): string {
  return `${seq}:${hash}`
}

/** The entry that follows `before`, and its text in the log. */
export function sealed(draft: AuditDraft, before: Head): { readonly head: Head; readonly text: string } {
  const content = writable({ ...draft, seq: before.seq + 1 })
  const hash = hashOf(before.hash, content)
  const head = { seq: before.seq + 1, hash }
  return { head, text: canonical({ ...content, prev: before.hash, hash }) }
}

/** What a text of the log says; undefined for what is no entry. Whether its hash is right is said by {@link hasItsHash}. */
export function readEntry(text: string | null): AuditEntry | undefined {
  const value = text === null ? undefined : jsonOf(text)
  if (!isJsonObject(value)) return undefined
  const { seq, at, action, principal, proof, what, outcome, prev, hash } = value
  const isEntry =
    Number.isSafeInteger(seq) &&
    Number.isSafeInteger(at) &&
    [action, principal, proof, outcome, prev, hash].every((part) => typeof part === 'string') &&
    isJsonObject(what)
  return isEntry ? (value as unknown as AuditEntry) : undefined
}

/** Whether nothing in a text was changed since its hash was made. */
export function hasItsHash(text: string): boolean {
  const entry = jsonOf(text)
  if (!isJsonObject(entry)) return false
  const { prev, hash, ...content } = entry
  return canonical(entry) === text && hash === hashOf(String(prev), content)
}

/** SHA-256 over the hash before and the canonical JSON. */
function hashOf(before: string, content: JsonObject): string {
  return hash('sha256', `${before}\n${canonical(content)}`)
}

/** JSON with its keys sorted and without blanks: one text for one value. */
function canonical(value: JsonValue | JsonObject | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const parts = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
  return `{${parts.join(',')}}`
}

/** A name that a caller makes up takes so much room at most. */
const LONGEST_TEXT = 200

/** Callers put what they like into paths and names. */
function writable(value: AuditDraft & { readonly seq: number }): JsonObject {
  const text = JSON.stringify(value, (_, part) =>
    typeof part === 'string' || typeof part === 'bigint'
      ? withoutSecrets(String(part)).slice(0, LONGEST_TEXT).toWellFormed()
      : part
  )
  return JSON.parse(text)
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
