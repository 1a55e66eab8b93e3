import { hash } from 'node:crypto'
import { type AuditAction, type AuditOutcome, isJsonObject, type JsonObject, type JsonValue } from '@tradpal/events'
import { type Proof, withoutSecrets } from '../access/index.ts'

/** The person or program that did it. */
export interface Actor {
  /** The name of the principal. */
  readonly principal: string
  /** How it proved its identity: by a credential, as a user of the operating system, or as the process that writes the audit log. */
  readonly proof: Proof | 'the service'
  /** The id of its API key. */
  readonly keyId?: string
  /** The network address from which it came. */
  readonly address?: string
}

/** An entry before it has its place in the chain. */
export interface AuditDraft extends Actor {
  /** ms since the epoch, by the clock of the process that writes. */
  readonly at: number
  readonly action: AuditAction
  /** The same in the entry with the outcome `begun` and in the one that says how it ended. */
  readonly requestId?: string
  /** Ids, counts and filters: no payload and no secret. */
  readonly what: JsonObject
  readonly outcome: AuditOutcome
  /** The error code, where it was refused or failed. */
  readonly code?: string
}

/** A place in the chain: the number and the hash of an entry. The newest is the head of the chain. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

/** An entry of the audit log. */
export interface AuditEntry extends AuditDraft {
  /** From 1, without a gap. */
  readonly seq: number
  /** The hash of the entry before. */
  readonly prev: string
  readonly hash: string
}

/** The place before the first entry. */
export const BEGINNING: Head = { seq: 0, hash: '0'.repeat(64) }

const ID = /^(\d{1,15}):([0-9a-f]{64})$/

/** The place that a text names, `<seq>:<hash>`; `undefined` for a text of another form. */
export function parseHead(text: string): Head | undefined {
  const [, seq, hash] = ID.exec(text) ?? []
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash }
}

/** A place as text, `<seq>:<hash>`, to be kept elsewhere. */
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

/** The entry in a text of the log; `undefined` for a text that is none. {@link hasItsHash} says whether its hash is right. */
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

/** Whether the text of an entry is the one of which its hash was made. */
export function hasItsHash(text: string): boolean {
  const entry = jsonOf(text)
  if (!isJsonObject(entry)) return false
  const { prev, hash, ...content } = entry
  return canonical(entry) === text && hash === hashOf(String(prev), content)
}

/** SHA-256 over the hash of the entry before and the canonical JSON of this one. */
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

/** The longest text that is written, in characters: callers make up names. */
const LONGEST_TEXT = 200

/** The content without secrets and long texts, which callers put into names. */
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
