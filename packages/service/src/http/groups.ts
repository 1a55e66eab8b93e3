import { formatTimestamp, type GroupReport, type PendingEvent, type PullSettings } from '@tradpal/event-system'
import { mayKnowGroup, maySeeFigures } from '@tradpal/event-system/access'
import Type from 'typebox'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { placeOf } from './range.ts'
import { closed, limit, messageId, orNull } from './schemas.ts'

export const groupParameter = Type.Object({ group: Type.String({ description: 'The name of a consumer group.' }) })

const HIDDEN = 'null to who may not see the figures of the group.'
const figure = (description: string) => orNull(Type.Integer({ description: `${description} ${HIDDEN}` }))

const pulled = Type.Object({
  event_types: orNull(
    Type.Array(Type.String(), { description: 'Those that are delivered; the others are acknowledged. null: all are.' })
  ),
  max_attempts: Type.Integer({ description: 'An event that failed this often goes to the dead letters.' })
})

const group = Type.Object({
  name: Type.String(),
  partitions: orNull(
    Type.Integer({
      description: 'The number of partitions into which it is cut by key; null when it shares event by event.'
    })
  ),
  members: Type.Array(
    Type.Object({
      name: Type.String(),
      pending: figure('Handed out to it and not yet acknowledged.'),
      idle_ms: Type.Integer({ description: 'Since it last read, claimed or renewed.' }),
      partitions: Type.Array(Type.Integer())
    })
  ),
  lag: figure('Events not yet handed out; null where the log cannot tell.'),
  lag_seconds: orNull(Type.Number({ description: `The age of the oldest of those. ${HIDDEN}` })),
  pending: figure('Handed out and not yet acknowledged.'),
  retrying: figure('Of those, how many failed and wait to be tried again.'),
  oldest_pending_seconds: orNull(Type.Number({ description: 'The age of the oldest of those.' })),
  last_delivered_id: orNull(messageId),
  pulled: orNull(pulled)
})

const pendingEntry = Type.Object({
  message_id: messageId,
  at: Type.String({ description: 'When the log took it.' }),
  consumer: Type.String({ description: 'Who has it; empty when nobody does.' }),
  idle_ms: Type.Integer({ description: 'Since it was handed out or extended.' }),
  deliveries: Type.Integer({ description: 'How many times it was handed out.' }),
  failures: Type.Integer({ description: 'How often its handlers have failed.' }),
  last_error: orNull(Type.String({ description: 'What they failed with last.' })),
  due_at: orNull(Type.String({ description: 'When it is tried again; null when it does not wait for that.' }))
})

const forceParameter = Type.Optional(
  Type.Boolean({ default: false, description: 'Also while members live, or events are pending.' })
)
const seekBody = closed({
  to: Type.String({
    minLength: 1,
    description: 'start, end, a message id (behind it), or a time.',
    examples: ['2026-11-17T00:00:00Z']
  }),
  force: forceParameter
})
const pullingBody = closed({
  event_types: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      maxItems: 100,
      description: 'Those that are delivered; the group acknowledges the others. * for all.',
      examples: [['trading_signal']]
    })
  ),
  max_attempts: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000,
      description: 'An event that failed this often goes to the dead letters.'
    })
  )
})
const done = (status: string) => Type.Object({ status: Type.Literal(status), group: Type.String() })

/** The consumer groups, for an operator. */
export function groupRoutes(app: App, { system }: AppContext): void {
  const { groups } = system

  app.get(
    '/groups',
    {
      config: { access: 'the known', audit: 'nothing' },
      schema: {
        tags: ['consume'],
        summary: 'The consumer groups: members, lag, what is pending and retried',
        response: { 200: Type.Object({ groups: Type.Array(group) }), ...problemResponses }
      }
    },
    async ({ principal }) => {
      const known = (await groups.list()).filter(({ name }) => mayKnowGroup(principal, name))
      return { groups: known.map((report) => groupAnswer(report, maySeeFigures(principal, report.name))) }
    }
  )

  app.get(
    '/groups/:group',
    {
      config: { access: { scope: 'consume', of: 'group', or: 'admin:groups' }, audit: 'nothing' },
      schema: {
        tags: ['consume'],
        summary: 'One consumer group, and a page of what is pending in it',
        params: groupParameter,
        querystring: closed({ after: Type.Optional(messageId), limit }),
        response: {
          200: Type.Object({
            ...group.properties,
            pending_events: orNull(Type.Array(pendingEntry, { description: HIDDEN }))
          }),
          ...problemResponses
        }
      }
    },
    async ({ params, query, principal }) => {
      const seesFigures = maySeeFigures(principal, params.group)
      // First whether there is such a group: the log says that of its pending entries in words of its own.
      const report = await groups.get(params.group)
      const pending = seesFigures ? await groups.pending(params.group, query) : null
      return { ...groupAnswer(report, seesFigures), pending_events: pending?.map(pendingAnswer) ?? null }
    }
  )

  app.patch(
    '/groups/:group',
    {
      config: {
        access: { scope: 'admin:groups' },
        audit: { action: 'groups.changed', what: ({ params, body }) => ({ ...params, ...body }) }
      },
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Change which event types are pulled from a group, and how often an event may fail',
        description: 'Those who then pull with others are refused with 409.',
        params: groupParameter,
        body: pullingBody,
        response: {
          200: Type.Object({ status: Type.Literal('changed'), group: Type.String(), pulled }),
          ...problemResponses
        }
      }
    },
    async ({ params, body: { event_types: eventTypes, max_attempts: maxAttempts } }) => {
      const settings = await groups.changePulling(params.group, {
        ...(eventTypes === undefined ? {} : { eventTypes }),
        ...(maxAttempts === undefined ? {} : { maxAttempts })
      })
      return { status: 'changed' as const, group: params.group, pulled: pulledAnswer(settings) }
    }
  )

  app.post(
    '/delivery-key/rotate',
    {
      config: { access: { scope: 'admin:groups' }, audit: { action: 'delivery_key.rotated' } },
      schema: {
        tags: ['consume'],
        summary: 'Make another key sign the ids of deliveries',
        description: 'Deliveries that are under way can still be settled; after a second rotation they cannot.',
        response: { 200: Type.Object({ status: Type.Literal('rotated') }), ...problemResponses }
      }
    },
    async () => {
      await groups.rotateDeliveryKey()
      return { status: 'rotated' as const }
    }
  )

  app.post(
    '/groups/:group/seek',
    {
      config: {
        access: { scope: 'admin:groups' },
        audit: { action: 'groups.moved', what: ({ params, body }) => ({ ...params, ...body }) }
      },
      preValidation: readBody,
      schema: {
        tags: ['consume'],
        summary: 'Move a group: what it hands out next',
        description: 'What is pending stays pending. 409 while members live, unless forced.',
        params: groupParameter,
        body: seekBody,
        response: { 200: done('moved'), ...problemResponses }
      }
    },
    async ({ params, body: { to, force = false } }) => {
      await groups.seek(params.group, placeOf('to', ['start', 'end'], to), { force })
      return { status: 'moved' as const, group: params.group }
    }
  )

  app.delete(
    '/groups/:group',
    {
      config: {
        access: { scope: 'admin:groups' },
        audit: { action: 'groups.removed', what: ({ params, query }) => ({ ...params, ...query }) }
      },
      schema: {
        tags: ['consume'],
        summary: 'Drop a group, with its place and what is pending in it',
        description: 'Its dead letters stay. 409 while members live or events are pending, unless forced.',
        params: groupParameter,
        querystring: closed({ force: forceParameter }),
        response: { 200: done('removed'), ...problemResponses }
      }
    },
    async ({ params, query: { force = false } }) => {
      await groups.remove(params.group, { force })
      return { status: 'removed' as const, group: params.group }
    }
  )
}

function groupAnswer(report: GroupReport, seesFigures: boolean) {
  const { name, partitions, consumers, pulled, oldestPendingMs } = report
  const figure = <Value>(value: Value): Value | null => (seesFigures ? value : null)
  return {
    name,
    partitions,
    members: consumers.map(({ name, pending, idleMs, partitions }) => ({
      name,
      pending: figure(pending),
      idle_ms: Math.round(idleMs),
      partitions: [...partitions]
    })),
    lag: figure(report.lag),
    lag_seconds: figure(report.lagMs / 1_000),
    pending: figure(report.pending),
    retrying: figure(report.retrying),
    oldest_pending_seconds: figure(oldestPendingMs === null ? null : oldestPendingMs / 1_000),
    last_delivered_id: figure(report.lastDelivered),
    pulled: pulled === null ? null : pulledAnswer(pulled)
  }
}

function pulledAnswer({ eventTypes, maxAttempts }: PullSettings) {
  return { event_types: eventTypes === null ? null : [...eventTypes], max_attempts: maxAttempts }
}

function pendingAnswer({ messageId, at, consumer, idleMs, deliveries, failures, lastError, dueAt }: PendingEvent) {
  return {
    message_id: messageId,
    at: formatTimestamp(at),
    consumer,
    idle_ms: idleMs,
    deliveries,
    failures,
    last_error: lastError,
    due_at: dueAt === null ? null : formatTimestamp(dueAt)
  }
}
