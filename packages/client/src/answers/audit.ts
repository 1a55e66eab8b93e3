import { timestampMs } from '@tradpal/events'
import { listOf, numberOf, numberOrNull, partsOf, textOf, textOrNull } from './parts.ts'

/** Something that somebody did, or was refused. */
export interface AuditEntry {
  readonly messageId: string
  /** From 1, without a gap. */
  readonly seq: number
  /** ms since the epoch, by the clock of who wrote it. */
  readonly at: number
  /** `events.published`, `keys.created`, `request.refused`, … */
  readonly action: string
  readonly principal: string
  /** How the principal proved who it is: `api key`, `operating system`, … */
  readonly proof: string
  readonly keyId?: string
  readonly address?: string
  /** The same in what was begun and in what came of it. */
  readonly requestId?: string
  /** Ids, counts and filters. */
  readonly what: Readonly<Record<string, unknown>>
  /** `begun` without another entry of its request: whether it was done is unknown. */
  readonly outcome: 'begun' | 'done' | 'spooled' | 'refused' | 'failed'
  /** Why it was refused or failed. */
  readonly code?: string
  /** The hash of the entry before. */
  readonly prev: string
  readonly hash: string
}

/** Whether an audit log is as it was written. */
export interface AuditVerification {
  readonly ok: boolean
  /** Entries that were looked at. */
  readonly entries: number
  /** The number of the first that is left; `null` of none. */
  readonly first: number | null
  /** `<seq>:<hash>` of the last that is as it was written; `null` of none. */
  readonly last: string | null
  /** The first that is wrong. `kind`: `changed`, `removed`, `inserted`, … */
  readonly fault?: { readonly kind: string; readonly seq: number; readonly message: string }
}

export function auditEntriesOf(body: unknown): AuditEntry[] {
  return listOf(body, 'entries').map(auditEntryOf)
}

function auditEntryOf(value: unknown): AuditEntry {
  const { key_id: keyId, address, request_id: requestId, code, what } = partsOf(value)
  return {
    messageId: textOf(value, 'message_id'),
    seq: numberOf(value, 'seq'),
    at: timestampMs(textOf(value, 'at')),
    action: textOf(value, 'action'),
    principal: textOf(value, 'principal'),
    proof: textOf(value, 'proof'),
    ...(typeof keyId === 'string' ? { keyId } : {}),
    ...(typeof address === 'string' ? { address } : {}),
    ...(typeof requestId === 'string' ? { requestId } : {}),
    what: partsOf(what),
    outcome: textOf(value, 'outcome') as AuditEntry['outcome'],
    ...(typeof code === 'string' ? { code } : {}),
    prev: textOf(value, 'prev'),
    hash: textOf(value, 'hash')
  }
}

export function auditHeadOf(body: unknown): string {
  return textOf(body, 'head')
}

export function auditVerificationOf(body: unknown): AuditVerification {
  const { ok, fault } = partsOf(body)
  return {
    ok: ok === true,
    entries: numberOf(body, 'entries'),
    first: numberOrNull(body, 'first'),
    last: textOrNull(body, 'last'),
    ...(fault === undefined
      ? {}
      : { fault: { kind: textOf(fault, 'kind'), seq: numberOf(fault, 'seq'), message: textOf(fault, 'message') } })
  }
}
