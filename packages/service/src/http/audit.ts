import { EventSystemError, formatTimestamp } from '@tradpal/event-system'
import { ACTIONS, headText, type ListedEntry, OUTCOMES, parseHead } from '@tradpal/event-system/audit'
import Type from 'typebox'
import type { App, AppContext, AuditEntries } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { closed, limit, messageId, time } from './schemas.ts'
import { asItIs } from './wire-event.ts'

const entry = Type.Object({
  message_id: messageId,
  seq: Type.Integer({ description: 'From 1, without a gap.' }),
  at: time('By the clock of who wrote it.'),
  action: Type.Enum(ACTIONS),
  principal: Type.String(),
  proof: Type.String({ description: 'How the principal proved who it is.' }),
  key_id: Type.Optional(Type.String()),
  address: Type.Optional(Type.String()),
  request_id: Type.Optional(Type.String({ description: 'The same in what was begun and in what came of it.' })),
  what: Type.Object({}, { additionalProperties: true, description: 'Ids, counts and filters.' }),
  outcome: Type.Enum(OUTCOMES),
  code: Type.Optional(Type.String({ description: 'Why it was refused or failed.' })),
  prev: Type.String({ description: 'The hash of the entry before.' }),
  hash: Type.String()
})
const head = Type.String({ description: '<number>:<hash> of an entry.', examples: [`1:${'0'.repeat(64)}`] })

const query = closed({
  principal: Type.Optional(Type.String({ minLength: 1, description: 'Only what this principal did.' })),
  action: Type.Optional(Type.Enum(ACTIONS)),
  since: Type.Optional(time('Taken by the audit log at this time or later.')),
  until: Type.Optional(time('Taken by the audit log at this time or earlier.')),
  refused: Type.Optional(Type.Boolean({ default: false, description: 'Only what was refused.' })),
  after: Type.Optional(Type.String({ minLength: 1, description: 'Behind this message id. It excludes since.' })),
  limit
})

const verification = Type.Object({
  ok: Type.Boolean(),
  entries: Type.Integer({ description: 'That were looked at.' }),
  first: Type.Union([Type.Integer(), Type.Null()], { description: 'The number of the first that is left.' }),
  last: Type.Union([head, Type.Null()], { description: 'The last that is as it was written.' }),
  fault: Type.Optional(
    Type.Object({
      kind: Type.String({ description: 'removed, changed, inserted, …' }),
      seq: Type.Integer(),
      message: Type.String()
    })
  )
})

/** Who did what. */
export function auditRoutes(app: App, { audit }: AppContext): void {
  const config = { access: { scope: 'admin:audit' }, audit: 'nothing' } as const

  app.get(
    '/audit',
    {
      ...asItIs,
      config,
      schema: {
        tags: ['audit'],
        summary: 'Who did what, in order',
        description: 'With since or after the first entries from there that match; without, the newest.',
        querystring: query,
        response: { 200: Type.Object({ entries: Type.Array(entry), count: Type.Integer() }), ...problemResponses }
      }
    },
    async ({ query: { since, until, after, ...wanted } }) => {
      if (since !== undefined && after !== undefined) {
        throw new EventSystemError('invalid_argument', 'since and after exclude each other; give one of them.')
      }
      const entries = await mustBeOn(audit).list({
        ...wanted,
        ...(since === undefined ? {} : { since: instantOf('since', since) }),
        ...(until === undefined ? {} : { until: instantOf('until', until) }),
        ...(after === undefined ? {} : { after })
      })
      return { entries: entries.map(entryAnswer), count: entries.length }
    }
  )

  app.get(
    '/audit/head',
    {
      config,
      schema: {
        tags: ['audit'],
        summary: 'Where the audit log stands: to be kept elsewhere, and verified against',
        response: { 200: Type.Object({ head }), ...problemResponses }
      }
    },
    async () => ({ head: headText(await mustBeOn(audit).head()) })
  )

  app.get(
    '/audit/verification',
    {
      config,
      schema: {
        tags: ['audit'],
        summary:
          'Whether no entry was changed, removed or inserted; an audit log without entries is not ok unless allowed',
        querystring: closed({
          head: Type.Optional(head),
          allow_empty: Type.Optional(
            Type.Boolean({ default: false, description: 'Whether nothing may have been recorded yet.' })
          )
        }),
        response: { 200: verification, ...problemResponses }
      }
    },
    async ({ query: { head, allow_empty: allowEmpty } }) => {
      const { first, last, fault, ...result } = await mustBeOn(audit).verify({
        ...(head !== undefined && { head: headOf(head) }),
        ...(allowEmpty === true && { allowEmpty })
      })
      return {
        ...result,
        first,
        last: last === null ? null : headText(last),
        ...(fault === undefined ? {} : { fault: { ...fault } })
      }
    }
  )
}

function mustBeOn(audit: AuditEntries | undefined): AuditEntries {
  if (audit !== undefined) return audit
  throw new EventSystemError('not_found', 'This service keeps no audit log: EVENT_AUDIT=on makes it keep one.')
}

function headOf(text: string) {
  const head = parseHead(text)
  if (head !== undefined) return head
  const sentence = 'head must be the number of an entry, a colon and its hash, as GET /audit/head answers it.'
  throw new EventSystemError('invalid_argument', sentence, { pointer: '/head' })
}

function entryAnswer({ messageId, entry: { at, keyId, requestId, ...entry } }: ListedEntry) {
  return {
    message_id: messageId,
    ...entry,
    at: formatTimestamp(at),
    ...(keyId === undefined ? {} : { key_id: keyId }),
    ...(requestId === undefined ? {} : { request_id: requestId })
  }
}
