import { knownEventTypes, schemaOf } from '@tradpal/event-system'
import { mayRead } from '@tradpal/event-system/access'
import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { gapReport, readableRange } from './range.ts'
import { closed, gap, limit, messageIdParameter, position, range, storedEvent } from './schemas.ts'
import { asItIs, noSuchEvent, wireOf } from './wire-event.ts'

export function queryRoutes(app: App, { system }: AppContext): void {
  app.get(
    '/events',
    {
      ...asItIs,
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        tags: ['query'],
        summary: 'Events of the log, oldest first',
        description: 'With start_time or after, the first ones from there; without, the newest.',
        querystring: closed({ ...range, limit }),
        response: {
          200: Type.Object({ events: Type.Array(storedEvent), count: Type.Integer(), position, gap }),
          ...problemResponses
        }
      }
    },
    async ({ query, principal }) => {
      const { onGap, report } = gapReport(query)
      const range = readableRange(principal, query)
      const { events, position } = await system.getPage({ ...range, onGap, limit: query.limit, raw: true })
      return { events: events.map(wireOf), count: events.length, position, ...report() }
    }
  )

  app.get(
    '/events/types',
    {
      ...asItIs,
      config: { access: 'the known', audit: 'nothing' },
      schema: {
        tags: ['query'],
        summary: 'The event types, and the JSON Schema of what each carries',
        response: {
          200: Type.Object({
            event_types: Type.Array(Type.String()),
            schemas: Type.Object({}, { additionalProperties: true, description: 'By event type.' })
          }),
          ...problemResponses
        }
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
        tags: ['query'],
        summary: 'One event',
        params: messageIdParameter,
        response: { 200: storedEvent, ...problemResponses }
      }
    },
    async ({ params, principal }) => {
      const event = await system.store.getEvent(params.message_id, { raw: true })
      if (event !== undefined && mayRead(principal, event.eventType)) return wireOf(event)
      throw noSuchEvent(params.message_id)
    }
  )
}
