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
import Type, { type Static } from 'typebox'
import type { AuditRule } from './auditing.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { mustReadWhatMatches, ReadableLetters } from './readable-letters.ts'
import { closed, deadLetter, deadLetterAction, deadLetterCause, limit, time } from './schemas.ts'
import { asItIs } from './wire-event.ts'

const params = Type.Object({ id: Type.String({ description: "The letter's own id." }) })
const after = Type.Optional(Type.String({ minLength: 1, description: 'Behind the one with this id.' }))
const by = Type.Optional(
  Type.String({ minLength: 1, maxLength: 200, default: 'http', description: 'Who does it, for the record.' })
)
const group = Type.Optional(Type.String({ minLength: 1, description: 'Only those of this consumer group.' }))
const filter = {
  group,
  event_type: Type.Optional(Type.String({ minLength: 1, description: 'Only those of events of this type.' })),
  handler: Type.Optional(Type.String({ minLength: 1, description: 'Only those that this handler gave up.' })),
  kind: Type.Optional(
    Type.Union([Type.Literal('poison'), Type.Literal('invalid'), Type.Literal('rejected'), Type.Literal('exhausted')], {
      description: 'Only those given up for this reason.'
    })
  ),
  fingerprint: Type.Optional(Type.String({ minLength: 1, description: 'Only those of this cause.' })),
  since: Type.Optional(time('Put here at this time or later.')),
  until: Type.Optional(time('Put here at this time or earlier.'))
}
const filterSchema = Type.Object(filter)
const requeueBody = closed({
  by,
  data: Type.Optional(
    Type.Object(
      {},
      {
        additionalProperties: true,
        description:
          'The group gets the event with this data instead, and with who gave it as metadata.amended_by. It takes the scope publish:<type> and the source of the event.'
      }
    )
  )
})
const bulkBody = closed({
  ...filter,
  all: Type.Optional(Type.Literal(true, { description: 'Without a filter: that all are really meant.' })),
  dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Only says how many match.' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000, description: 'At most so many in this call.' })
  ),
  expected: Type.Optional(Type.Integer({ minimum: 0, description: 'As `next` of an earlier answer says.' })),
  after: Type.Optional(Type.String({ minLength: 1, description: 'As `next` of an earlier answer says.' })),
  by
})
const discardBody = closed({ by, reason: Type.String({ minLength: 1, maxLength: 1_000, description: 'Why.' }) })

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
        tags: ['dead letters'],
        summary: 'The dead letters, oldest first',
        querystring: closed({ ...filter, after, limit }),
        response: {
          200: Type.Object({
            dead_letters: Type.Array(deadLetter),
            count: Type.Integer({ description: 'In this answer.' }),
            total: Type.Integer({ description: 'All that match, whatever after and limit say.' })
          }),
          ...problemResponses
        }
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
        tags: ['dead letters'],
        summary: 'What operators did to dead letters, oldest first',
        querystring: closed({ after, limit }),
        response: {
          200: Type.Object({ actions: Type.Array(deadLetterAction), count: Type.Integer() }),
          ...problemResponses
        }
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
        tags: ['dead letters'],
        summary: 'The dead letters by cause: how many have it, and the oldest',
        description: 'Its cost follows the number of causes, not that of dead letters.',
        querystring: closed({ group }),
        response: {
          200: Type.Object({
            causes: Type.Array(deadLetterCause),
            count: Type.Integer({ description: 'How many causes.' })
          }),
          ...problemResponses
        }
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
        tags: ['dead letters'],
        summary: 'One dead letter',
        params,
        response: { 200: deadLetter, ...problemResponses }
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
        tags: ['dead letters'],
        summary: 'Put all that match back to the groups that gave them up',
        description:
          'One by one, each in one atomic step, at most `limit` in a call. Those whose entries have left the log stay, and are named. The same body with the fields of `next` goes on with the rest, and leaves out what came since.',
        body: bulkBody,
        response: {
          200: Type.Object({
            matched: Type.Integer({ description: 'How many matched when it began.' }),
            requeued: Type.Integer(),
            remaining: Type.Integer({ description: 'Of those that matched, how many this call did not try.' }),
            failed: Type.Array(Type.Object({ id: Type.String(), code: Type.String() })),
            next: Type.Optional(
              Type.Object(
                { until: time(''), expected: Type.Integer(), after: Type.Optional(Type.String()) },
                { description: 'What to send over the same body to go on; left out when nothing remains.' }
              )
            )
          }),
          ...problemResponses
        }
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
        tags: ['dead letters'],
        summary: 'Put an entry back to the group that gave it up',
        description: 'The letter is removed. 404 when there is none, 409 when its entry has left the log.',
        params,
        body: requeueBody,
        response: { 200: Type.Object({ status: Type.Literal('requeued'), id: Type.String() }), ...problemResponses }
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
        tags: ['dead letters'],
        summary: 'Remove a dead letter for good',
        params,
        body: discardBody,
        response: { 200: Type.Object({ status: Type.Literal('discarded'), id: Type.String() }), ...problemResponses }
      }
    },
    async ({ params, body: { by = 'http', reason }, principal }) => {
      await new ReadableLetters(deadLetters, principal).get(params.id)
      await deadLetters.discard(params.id, { by: nameOf(principal, by), reason })
      return { status: 'discarded' as const, id: params.id }
    }
  )
}

/** Who is known by a credential is named so, whatever the body says. */
function nameOf(principal: Principal, by: string): string {
  return principal === ANYBODY || isOperator(principal) ? by : principal.name
}

function filterOf({ group, event_type, handler, kind, fingerprint, since, until }: Static<typeof filterSchema>) {
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
