import { EventSystemError, formatTimestamp, type GroupInfo, type PendingEvent } from '@tradpal/event-system'
import Type from 'typebox'
import { mayKnowGroup } from '../access/index.ts'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { instantOf } from './range.ts'
import { closed, limit, messageId, orNull } from './schemas.ts'

export const groupParameter = Type.Object({ group: Type.String({ description: 'The name of a consumer group.' }) })

const group = Type.Object({
  name: Type.String(),
  shards: orNull(Type.Integer({ description: 'Into how many it is cut by key; null when it shares event by event.' })),
  members: Type.Array(
    Type.Object({
      name: Type.String(),
      pending: Type.Integer(),
      idle_ms: Type.Integer({ description: 'Since it last read, claimed or renewed.' }),
      shards: Type.Array(Type.Integer())
    })
  ),
  lag: orNull(Type.Integer({ description: 'Events not yet handed out; null where the log cannot tell.' })),
  lag_seconds: Type.Number({ description: 'The age of the oldest of those.' }),
  pending: Type.Integer({ description: 'Handed out and not yet acknowledged.' }),
  retrying: Type.Integer({ description: 'Of those, how many failed and wait to be tried again.' }),
  oldest_pending_seconds: orNull(Type.Number({ description: 'The age of the oldest of those.' })),
  last_delivered_id: messageId
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
      return { groups: known.map(groupAnswer) }
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
          200: Type.Object({ ...group.properties, pending_events: Type.Array(pendingEntry) }),
          ...problemResponses
        }
      }
    },
    async ({ params, query }) => {
      const [info, pending] = await Promise.all([groups.get(params.group), groups.pending(params.group, query)])
      return { ...groupAnswer(info), pending_events: pending.map(pendingAnswer) }
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
      await groups.seek(params.group, placeOf(to), { force })
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

/** `start`, `end`, a message id or a time, as a text says. */
function placeOf(text: string): 'start' | 'end' | string | Date {
  if (text === 'start' || text === 'end' || /^\d+-\d+$/.test(text)) return text
  try {
    return new Date(instantOf('to', text))
  } catch (cause) {
    const sentence = `to must be start, end, a message id, or a time such as 2026-11-23T08:49:10Z, got ${JSON.stringify(text)}.`
    throw new EventSystemError('invalid_argument', sentence, { cause, pointer: '/to' })
  }
}

function groupAnswer({ name, shards, consumers, pending, retrying, lag, lagMs, ...info }: GroupInfo) {
  return {
    name,
    shards,
    members: consumers.map(({ idleMs, shards, ...member }) => ({
      ...member,
      idle_ms: Math.round(idleMs),
      shards: [...shards]
    })),
    lag,
    lag_seconds: lagMs / 1_000,
    pending,
    retrying,
    oldest_pending_seconds: info.oldestPendingMs === null ? null : info.oldestPendingMs / 1_000,
    last_delivered_id: info.lastDeliveredId
  }
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
