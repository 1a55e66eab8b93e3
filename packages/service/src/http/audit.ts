import { AuditHead, AuditPage, AuditQuery, AuditVerification, AuditVerificationQuery } from '@tradpal/event-api'
import { EventSystemError, formatTimestamp } from '@tradpal/event-system'
import { headText, type ListedEntry, parseHead } from '@tradpal/event-system/audit'
import type { App, AppContext, AuditEntries } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { asItIs } from './wire-event.ts'

/** Who did what. */
export function auditRoutes(app: App, { audit }: AppContext): void {
  const config = { access: { scope: 'admin:audit' }, audit: 'nothing' } as const

  app.get(
    '/audit',
    {
      ...asItIs,
      config,
      schema: {
        operationId: 'listAuditEntries',
        tags: ['audit'],
        summary: 'Who did what, in order',
        description: 'With since or after the first entries from there that match; without, the newest.',
        querystring: AuditQuery,
        response: { 200: AuditPage, ...problemResponses }
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
        operationId: 'getAuditHead',
        tags: ['audit'],
        summary: 'Where the audit log stands: to be kept elsewhere, and verified against',
        response: { 200: AuditHead, ...problemResponses }
      }
    },
    async () => ({ head: headText(await mustBeOn(audit).head()) })
  )

  app.get(
    '/audit/verification',
    {
      config,
      schema: {
        operationId: 'verifyAuditLog',
        tags: ['audit'],
        summary:
          'Whether no entry was changed, removed or inserted; an audit log without entries is not ok unless allowed',
        querystring: AuditVerificationQuery,
        response: { 200: AuditVerification, ...problemResponses }
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
