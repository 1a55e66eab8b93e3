import {
  DeadLetterActionPage,
  DeadLetterActionQuery,
  DeadLetterCauseList,
  DeadLetterCauseQuery,
  DeadLetterDiscarded,
  type DeadLetterFilter,
  DeadLetterPage,
  DeadLetterPath,
  DeadLetterQuery,
  DeadLetterRequeued,
  DeadLetter as DeadLetterSchema,
  DiscardRequest,
  RequeueAllRequest,
  RequeueRequest,
  RequeueResult
} from '@tradpal/event-api'
import {
  type DeadLetter,
  type DeadLetterAction,
  type DeadLetterCause,
  EventSystemError,
  formatTimestamp,
  type HandlingError,
  type JsonObject,
  type RequeueReport
} from '@tradpal/event-system'
import { ANYBODY, isOperator, mayAmend, type Principal } from '@tradpal/event-system/access'
import type { AuditRule } from './auditing.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { mustReadWhatMatches, ReadableLetters } from './readable-letters.ts'
import { asItIs } from './wire-event.ts'

const requeuedMany: AuditRule = {
  action: 'dead_letters.requeued',
  what: ({ body: { dry_run: dryRun, by: _, ...filter } }) => (dryRun === true ? undefined : filter),
  result: ({ requeued, remaining, failed }) => ({
    requeued,
    remaining,
    failed: Array.isArray(failed) ? failed.length : 0
  })
}
const requeuedOne: AuditRule = {
  action: 'dead_letters.requeued',
  what: ({ params, body }) => ({ ...params, amended: body.data !== undefined })
}

/** What consumer groups gave up on. */
export function deadLetterRoutes(app: App, { system }: AppContext): void {
  const { deadLetters } = system

  app.get(
    '/dead-letters',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: 'nothing' },
      ...asItIs,
      schema: {
        operationId: 'listDeadLetters',
        tags: ['dead letters'],
        summary: 'The dead letters, oldest first',
        querystring: DeadLetterQuery,
        response: { 200: DeadLetterPage, ...problemResponses }
      }
    },
    async ({ query, principal }) => {
      const { after, limit, ...filter } = query
      const readable = new ReadableLetters(deadLetters, principal)
      const matching = filterOf(filter)
      const page = { ...matching, limit, ...(after === undefined ? {} : { after }) }
      const [letters, total] = await Promise.all([readable.list(page), readable.count(matching)])
      return { dead_letters: letters.map(letterAnswer), count: letters.length, total }
    }
  )

  app.get(
    '/dead-letters/actions',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: 'nothing' },
      ...asItIs,
      schema: {
        operationId: 'listDeadLetterActions',
        tags: ['dead letters'],
        summary: 'What operators did to dead letters, oldest first',
        querystring: DeadLetterActionQuery,
        response: { 200: DeadLetterActionPage, ...problemResponses }
      }
    },
    async ({ query, principal }) => {
      const actions = await new ReadableLetters(deadLetters, principal).actions(query)
      return { actions: actions.map(actionAnswer), count: actions.length }
    }
  )

  app.get(
    '/dead-letters/causes',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: 'nothing' },
      ...asItIs,
      schema: {
        operationId: 'listDeadLetterCauses',
        tags: ['dead letters'],
        summary: 'The dead letters by cause: how many have it, and the oldest',
        description: 'Its cost follows the number of causes, not that of dead letters.',
        querystring: DeadLetterCauseQuery,
        response: { 200: DeadLetterCauseList, ...problemResponses }
      }
    },
    async ({ query, principal }) => {
      const causes = await new ReadableLetters(deadLetters, principal).causes(query)
      return { causes: causes.map(causeAnswer), count: causes.length }
    }
  )

  app.get(
    '/dead-letters/:id',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: 'nothing' },
      ...asItIs,
      schema: {
        operationId: 'getDeadLetter',
        tags: ['dead letters'],
        summary: 'One dead letter',
        params: DeadLetterPath,
        response: { 200: DeadLetterSchema, ...problemResponses }
      }
    },
    async ({ params, principal }) => letterAnswer(await new ReadableLetters(deadLetters, principal).get(params.id))
  )

  app.post(
    '/dead-letters/requeue',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: requeuedMany },
      preValidation: readBody,
      schema: {
        operationId: 'requeueDeadLetters',
        tags: ['dead letters'],
        summary: 'Put all that match back to the groups that gave them up',
        description:
          'One by one, each in one atomic step, at most `limit` in a call. Those whose entries have left the log stay, and are named. The same body with the fields of `next` goes on with the rest, and leaves out what came since.',
        body: RequeueAllRequest,
        response: { 200: RequeueResult, ...problemResponses }
      }
    },
    async ({ body, principal }) => {
      const { by = 'http', limit = 1_000, dry_run: dryRun = false, all = false, expected, after, ...filter } = body
      if (!all && Object.keys(filter).length === 0) {
        throw new EventSystemError('invalid_argument', 'The filter is empty; say "all": true to put back every letter.')
      }
      mustReadWhatMatches(principal, filter.event_type)
      const report = await deadLetters.requeueAll(filterOf(filter), {
        by: nameOf(principal, by),
        limit,
        dryRun,
        ...(expected === undefined ? {} : { expected }),
        ...(after === undefined ? {} : { after })
      })
      return requeueAnswer(report)
    }
  )

  app.post(
    '/dead-letters/:id/requeue',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: requeuedOne },
      preValidation: readBody,
      schema: {
        operationId: 'requeueDeadLetter',
        tags: ['dead letters'],
        summary: 'Put an entry back to the group that gave it up',
        description: 'The letter is removed. 404 when there is none, 409 when its entry has left the log.',
        params: DeadLetterPath,
        body: RequeueRequest,
        response: { 200: DeadLetterRequeued, ...problemResponses }
      }
    },
    async ({ params, body: { by = 'http', data }, principal }) => {
      await new ReadableLetters(deadLetters, principal).get(params.id)
      await deadLetters.requeue(params.id, {
        by: nameOf(principal, by),
        ...(data === undefined ? {} : { data: data as JsonObject, mayAmend: mayAmend(principal) })
      })
      return { status: 'requeued' as const, id: params.id }
    }
  )

  app.delete(
    '/dead-letters/:id',
    {
      config: { access: { scope: 'admin:dead-letters' }, audit: { action: 'dead_letters.discarded' } },
      preValidation: readBody,
      schema: {
        operationId: 'discardDeadLetter',
        tags: ['dead letters'],
        summary: 'Remove a dead letter for good',
        params: DeadLetterPath,
        body: DiscardRequest,
        response: { 200: DeadLetterDiscarded, ...problemResponses }
      }
    },
    async ({ params, body: { by = 'http', reason }, principal }) => {
      await new ReadableLetters(deadLetters, principal).get(params.id)
      await deadLetters.discard(params.id, { by: nameOf(principal, by), reason })
      return { status: 'discarded' as const, id: params.id }
    }
  )
}

/** A caller that showed a credential is named by it: the body has no say. */
function nameOf(principal: Principal, by: string): string {
  return principal === ANYBODY || isOperator(principal) ? by : principal.name
}

function filterOf({ group, event_type, handler, kind, fingerprint, since, until }: DeadLetterFilter) {
  return {
    ...(group === undefined ? {} : { group }),
    ...(event_type === undefined ? {} : { eventType: event_type }),
    ...(handler === undefined ? {} : { handler }),
    ...(kind === undefined ? {} : { kind }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(since === undefined ? {} : { since: instantOf('since', since) }),
    ...(until === undefined ? {} : { until: instantOf('until', until) })
  }
}

function letterAnswer({ messageId, deadAt, eventType, firstError, lastError, note: _, ...letter }: DeadLetter) {
  return {
    ...letter,
    message_id: messageId,
    event_type: eventType,
    reason: lastError.message,
    first_error: errorAnswer(firstError),
    last_error: errorAnswer(lastError),
    dead_at: formatTimestamp(deadAt)
  }
}

function causeAnswer({ oldest, ...cause }: DeadLetterCause) {
  return { ...cause, oldest: letterAnswer(oldest) }
}

function requeueAnswer({ matched, requeued, remaining, failed, next }: RequeueReport) {
  const answer = { matched, requeued, remaining, failed: [...failed] }
  return next === undefined ? answer : { ...answer, next: { ...next, until: formatTimestamp(next.until) } }
}

function errorAnswer({ at, ...error }: HandlingError) {
  return { ...error, at: formatTimestamp(at) }
}

function actionAnswer({ at, letter, ...action }: DeadLetterAction) {
  return { ...action, at: formatTimestamp(at), letter: letterAnswer(letter) }
}
