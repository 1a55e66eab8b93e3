import { EventPage, EventQuery, EventTypes, MessageIdPath, StoredEvent } from '@tradpal/event-api'
import { knownEventTypes, schemaOf } from '@tradpal/event-system'
import { mayRead } from '@tradpal/event-system/access'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { gapReport, hintReport, readableRange } from './range.ts'
import { asItIs, noSuchEvent, wireOf } from './wire-event.ts'

export function queryRoutes(app: App, { system }: AppContext): void {
  app.get(
    '/events',
    {
      ...asItIs,
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        operationId: 'listEvents',
        tags: ['query'],
        summary: 'Events of the log, oldest first',
        description:
          'With start_time or after, the first ones from there; without, the newest. With time=event the same of the times at which they happened, in their order.',
        querystring: EventQuery,
        response: { 200: EventPage, ...problemResponses }
      }
    },
    async ({ query, principal }) => {
      const { asked, report } = gapReport(query)
      const range = { ...readableRange(principal, query), ...asked }
      const {
        events,
        position,
        happenedThen = false
      } = await system.getPage({ ...range, limit: query.limit, raw: true })
      return { events: events.map(wireOf), count: events.length, position, ...report(), ...hintReport(happenedThen) }
    }
  )

  app.get(
    '/events/types',
    {
      ...asItIs,
      config: { access: 'the known', audit: 'nothing' },
      schema: {
        operationId: 'listEventTypes',
        tags: ['query'],
        summary: 'The event types, and the JSON Schema of what each carries',
        response: { 200: EventTypes, ...problemResponses }
      }
    },
    async () => {
      const names = knownEventTypes()
      return { event_types: names, schemas: Object.fromEntries(names.map((name) => [name, schemaOf(name)])) }
    }
  )

  app.get(
    '/events/:message_id',
    {
      ...asItIs,
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        operationId: 'getEvent',
        tags: ['query'],
        summary: 'One event',
        params: MessageIdPath,
        response: { 200: StoredEvent, ...problemResponses }
      }
    },
    async ({ params, principal }) => {
      const event = await system.store.getEvent(params.message_id, { raw: true })
      if (event !== undefined && mayRead(principal, event.eventType)) return wireOf(event)
      throw noSuchEvent(params.message_id)
    }
  )
}
