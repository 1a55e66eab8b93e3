import type * as Api from '@tradpal/event-api'
import type { AuditOutcome } from '@tradpal/events'
import { boolean, field, list, number, object, optional, orNull, reader, text, time } from './reading.ts'

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
  readonly outcome: AuditOutcome
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
  readonly fault?: AuditFault
}

interface AuditFault {
  readonly kind: string
  readonly seq: number
  readonly message: string
}

const auditEntryOf = reader<Api.AuditEntry, AuditEntry>({
  message_id: text,
  seq: number,
  at: time,
  action: text,
  principal: text,
  proof: text,
  key_id: optional(text),
  address: optional(text),
  request_id: optional(text),
  what: object,
  outcome: text,
  code: optional(text),
  prev: text,
  hash: text
})

export const auditEntriesOf = field<Api.AuditPage, AuditEntry[]>('entries', list(auditEntryOf))
export const auditHeadOf = field<Api.AuditHead, string>('head', text)
export const auditVerificationOf = reader<Api.AuditVerification, AuditVerification>({
  ok: boolean,
  entries: number,
  first: orNull(number),
  last: orNull(text),
  fault: optional(reader<Api.AuditFault, AuditFault>({ kind: text, seq: number, message: text }))
})
