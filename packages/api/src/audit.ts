import { AUDIT_ACTIONS, AUDIT_OUTCOMES } from '@tradpal/events'
import Type, { type Static } from 'typebox'
import { closed, limit, messageId, orNull, time, timeFilter } from './parts.ts'

export const AuditEntry = Type.Object(
  {
    message_id: messageId,
    seq: Type.Integer({ description: 'From 1, without a gap.' }),
    at: time('By the clock of who wrote it.'),
    action: Type.Enum(AUDIT_ACTIONS),
    principal: Type.String(),
    proof: Type.String({ description: 'How the principal proved who it is.' }),
    key_id: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    request_id: Type.Optional(Type.String({ description: 'The same in what was begun and in what came of it.' })),
    what: Type.Object({}, { additionalProperties: true, description: 'Ids, counts and filters.' }),
    outcome: Type.Enum(AUDIT_OUTCOMES),
    code: Type.Optional(Type.String({ description: 'Why it was refused or failed.' })),
    prev: Type.String({ description: 'The hash of the entry before.' }),
    hash: Type.String()
  },
  { title: 'AuditEntry', description: 'Something that somebody did, or was refused.' }
)
export type AuditEntry = Static<typeof AuditEntry>

export const AuditQuery = closed({
  principal: Type.Optional(Type.String({ minLength: 1, description: 'Only what this principal did.' })),
  action: Type.Optional(Type.Enum(AUDIT_ACTIONS)),
  since: Type.Optional(timeFilter('Taken by the audit log at this time or later.')),
  until: Type.Optional(timeFilter('Taken by the audit log at this time or earlier.')),
  refused: Type.Optional(Type.Boolean({ default: false, description: 'Only what was refused.' })),
  after: Type.Optional(Type.String({ minLength: 1, description: 'Behind this message id. It excludes since.' })),
  limit
})
export type AuditQuery = Static<typeof AuditQuery>

export const AuditPage = Type.Object(
  { entries: Type.Array(AuditEntry), count: Type.Integer() },
  { title: 'AuditPage', description: 'Entries of the audit log, in order.' }
)
export type AuditPage = Static<typeof AuditPage>

const head = Type.String({ description: '<number>:<hash> of an entry.' })

export const AuditHead = Type.Object(
  { head },
  { title: 'AuditHead', description: 'The last entry of the audit log: its number and its hash.' }
)
export type AuditHead = Static<typeof AuditHead>

export const AuditVerificationQuery = closed({
  head: Type.Optional(head),
  allow_empty: Type.Optional(
    Type.Boolean({ default: false, description: 'Whether nothing may have been recorded yet.' })
  )
})
export type AuditVerificationQuery = Static<typeof AuditVerificationQuery>

export const AuditFault = Type.Object(
  {
    kind: Type.String({ description: 'removed, changed, inserted, …' }),
    seq: Type.Integer(),
    message: Type.String()
  },
  { title: 'AuditFault', description: 'The first entry that is not as it was written.' }
)
export type AuditFault = Static<typeof AuditFault>

export const AuditVerification = Type.Object(
  {
    ok: Type.Boolean(),
    entries: Type.Integer({ description: 'That were looked at.' }),
    first: Type.Union([Type.Integer(), Type.Null()], { description: 'The number of the first that is left.' }),
    last: orNull(Type.String({ description: '<number>:<hash> of the last that is as it was written.' })),
    fault: Type.Optional(AuditFault)
  },
  { title: 'AuditVerification', description: 'Whether the audit log is as it was written.' }
)
export type AuditVerification = Static<typeof AuditVerification>
