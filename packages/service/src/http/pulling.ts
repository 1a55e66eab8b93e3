import { EventSystemError } from '@tradpal/event-system'
import Type from 'typebox'
import { mayReadAll, type Principal, readableTypes } from '../access/index.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { groupParameter } from './groups.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { closed, eventTypes, storedEvent } from './schemas.ts'
import { asItIs, wireOf } from './wire-event.ts'

const pullBody = closed({
  max: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'At most so many events.' })
  ),
  wait_ms: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 60_000, default: 0, description: 'How long to wait for the first.' })
  ),
  event_types: Type.Optional(eventTypes),
  consumer: Type.Optional(Type.String({ minLength: 1, maxLength: 200, default: 'http', description: 'Who pulls.' })),
  lease_ms: Type.Optional(
    Type.Integer({
      minimum: 100,
      maximum: 86_400_000,
      default: 30_000,
      description: 'What is not settled or extended for so long is handed out again. The same for all of the group.'
    })
  ),
  max_attempts: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, default: 5, description: 'After so many failures: dead letters.' })
  ),
  from: Type.Optional(
    Type.String({ minLength: 1, default: 'new', description: 'Where a new group begins: new, start, an id, a time.' })
  )
})
const deliveryIds = Type.Array(Type.String({ minLength: 1 }), {
  minItems: 1,
  maxItems: 1_000,
  description: 'As pulled.'
})
const settleBody = closed({ delivery_ids: deliveryIds })
const nackBody = closed({
  delivery_ids: deliveryIds,
  reason: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2_000, description: 'What failed; without it, no failure is counted.' })
  ),
  delay_ms: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 86_400_000, description: 'Not to be handed out before. Default: a backoff.' })
  ),
  reject: Type.Optional(
    Type.Boolean({ default: false, description: 'Trying again cannot help: dead letters at once.' })
  )
})
const lost = Type.Array(Type.String(), { description: 'Those that were not yours any more.' })

/** Consuming for who speaks HTTP alone: pull, handle, settle. */
export function pullingRoutes(app: App, { system, lasting }: AppContext): void {
  const { puller } = system

  app.post(
    '/groups/:group/pull',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'nothing' },
      ...asItIs,
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Pull events of a group: they are yours for the time of the lease',
        description: 'The group is made when it is not there. What is no valid event goes to its dead letters.',
        params: groupParameter,
        body: pullBody,
        response: {
          200: Type.Object({
            deliveries: Type.Array(
              Type.Object({
                delivery_id: Type.String({ description: 'Settles it.' }),
                attempt: Type.Integer({ description: 'How many times it was handed out, this time included.' }),
                event: storedEvent
              })
            ),
            count: Type.Integer(),
            lease_ms: Type.Integer()
          }),
          ...problemResponses
        }
      }
    },
    async (request, reply) => {
      const { params, body, principal } = request
      const mayHave = (asker: Principal) => mustReadAllOf(asker, body.event_types)
      mayHave(principal)
      const { max = 100, wait_ms: waitMs = 0, consumer = 'http', lease_ms: leaseMs = 30_000, event_types } = body
      const answer = lasting.begin('pulls', { request, reply, mayHave })
      try {
        const pulled = await puller.pull({
          group: params.group,
          consumer,
          max,
          waitMs,
          leaseMs,
          maxAttempts: body.max_attempts ?? 5,
          from: beginningOf(body.from ?? 'new'),
          signal: answer.signal,
          ...(event_types === undefined ? {} : { eventTypes: event_types })
        })
        const deliveries = pulled.map(({ deliveryId, attempt, event }) => {
          return { delivery_id: deliveryId, attempt, event: wireOf(event) }
        })
        return { deliveries, count: deliveries.length, lease_ms: leaseMs }
      } finally {
        answer.end()
      }
    }
  )

  app.post(
    '/groups/:group/ack',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'nothing' },
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Say that deliveries are done',
        description: 'Those that are not yours any more are named in `lost`; 409 when that is all of them.',
        params: groupParameter,
        body: settleBody,
        response: { 200: Type.Object({ acknowledged: Type.Integer(), lost }), ...problemResponses }
      }
    },
    async ({ params, body: { delivery_ids: ids } }) => {
      const lost = mustNotBeAll(ids, await puller.acknowledge(params.group, ids))
      return { acknowledged: ids.length - lost.length, lost }
    }
  )

  app.post(
    '/groups/:group/extend',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'nothing' },
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Say that you still work on deliveries: their leases begin anew',
        params: groupParameter,
        body: settleBody,
        response: { 200: Type.Object({ extended: Type.Integer(), lost }), ...problemResponses }
      }
    },
    async ({ params, body: { delivery_ids: ids } }) => {
      const lost = mustNotBeAll(ids, await puller.extend(params.group, ids))
      return { extended: ids.length - lost.length, lost }
    }
  )

  app.post(
    '/groups/:group/nack',
    {
      config: { access: { scope: 'consume', of: 'group' }, audit: 'nothing' },
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Hand deliveries back, as a failure with a reason or without one',
        params: groupParameter,
        body: nackBody,
        response: {
          200: Type.Object({
            returned: Type.Integer(),
            dead: Type.Integer({ description: 'Dead letters now.' }),
            lost
          }),
          ...problemResponses
        }
      }
    },
    async ({ params, body: { delivery_ids: ids, reason, delay_ms: delayMs, reject = false } }) => {
      const options = {
        reject,
        ...(reason === undefined ? {} : { reason }),
        ...(delayMs === undefined ? {} : { delayMs })
      }
      const result = await puller.nack(params.group, ids, options)
      const lost = mustNotBeAll(ids, result.lost)
      const dead = result.dead.length
      return { returned: ids.length - lost.length - dead, dead, lost }
    }
  )
}

/** A group hands out what it holds, and acknowledges what nobody asked for: who pulls must be allowed to read what it asks for, and everything where it does not say. */
function mustReadAllOf(principal: Principal, types: readonly string[] | undefined): void {
  if (mayReadAll(principal)) return
  if (types !== undefined && !types.includes('*')) {
    readableTypes(principal, types)
    return
  }
  const sentence = `${principal.name} may not read every event type: say in event_types which are wanted.`
  throw new EventSystemError('forbidden', sentence, { pointer: '/event_types' })
}

/** Where a group begins that is not there yet. */
function beginningOf(text: string): 'new' | 'start' | string | Date {
  if (text === 'new' || text === 'start' || /^\d+-\d+$/.test(text)) return text
  return new Date(instantOf('from', text))
}

function mustNotBeAll(ids: readonly string[], lost: readonly string[]): string[] {
  if (lost.length < ids.length) return [...lost]
  const sentence =
    ids.length === 1
      ? 'The delivery is not yours any more: its lease ended, or it is settled.'
      : `None of the ${ids.length} deliveries is yours any more: their leases ended, or they are settled.`
  throw new EventSystemError('delivery_lost', sentence)
}
