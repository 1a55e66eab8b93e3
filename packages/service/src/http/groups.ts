import {
  DeliveryKeyRotated,
  GroupDetails,
  GroupList,
  GroupMoved,
  GroupPath,
  GroupQuery,
  GroupRemoved,
  PullSettingsChange,
  PullSettingsChanged,
  RemoveGroupQuery,
  SeekRequest
} from '@tradpal/event-api'
import { formatTimestamp, type GroupReport, type PendingEvent, type PullSettings } from '@tradpal/event-system'
import { mayKnowGroup, maySeeFigures } from '@tradpal/event-system/access'
import { readBody } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { placeOf } from './range.ts'

/** The consumer groups, for an operator. */
export function groupRoutes(app: App, { system }: AppContext): void {
  const { groups } = system

  app.get(
    '/groups',
    {
      config: { access: 'the known', audit: 'nothing' },
      schema: {
        operationId: 'listGroups',
        tags: ['consume'],
        summary: 'The consumer groups: members, lag, what is pending and retried',
        response: { 200: GroupList, ...problemResponses }
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
        operationId: 'getGroup',
        tags: ['consume'],
        summary: 'One consumer group, and a page of what is pending in it',
        params: GroupPath,
        querystring: GroupQuery,
        response: { 200: GroupDetails, ...problemResponses }
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
        operationId: 'changeGroup',
        tags: ['consume'],
        summary: 'Change which event types are pulled from a group, and how often an event may fail',
        description: 'Those who then pull with others are refused with 409.',
        params: GroupPath,
        body: PullSettingsChange,
        response: { 200: PullSettingsChanged, ...problemResponses }
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
        operationId: 'rotateDeliveryKey',
        tags: ['consume'],
        summary: 'Make another key sign the ids of deliveries',
        description: 'Deliveries that are under way can still be settled; after a second rotation they cannot.',
        response: { 200: DeliveryKeyRotated, ...problemResponses }
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
        operationId: 'seekGroup',
        tags: ['consume'],
        summary: 'Move a group: what it hands out next',
        description: 'What is pending stays pending. 409 while members live, unless forced.',
        params: GroupPath,
        body: SeekRequest,
        response: { 200: GroupMoved, ...problemResponses }
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
        operationId: 'removeGroup',
        tags: ['consume'],
        summary: 'Drop a group, with its place and what is pending in it',
        description: 'Its dead letters stay. 409 while members live or events are pending, unless forced.',
        params: GroupPath,
        querystring: RemoveGroupQuery,
        response: { 200: GroupRemoved, ...problemResponses }
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
