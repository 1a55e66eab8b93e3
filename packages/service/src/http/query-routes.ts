import { EventSystemError, knownEventTypes, schemaOf } from '@tradpal/event-system'
import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { rangeOf } from './range.ts'
import { closed, limit, messageIdParameter, range, storedEvent } from './schemas.ts'
import { asItIs, wireOf } from './wire-event.ts'

export function queryRoutes(app: App, { system }: AppContext): void {
  app.get(
    '/events',
    {
      ...asItIs,
      schema: {
        tags: ['query'],
        summary: 'Events of the log, oldest first',
        description: 'With start_time or after, the first ones from there; without, the newest.',
        querystring: closed({ ...range, limit }),
        response: { 200: Type.Object({ events: Type.Array(storedEvent), count: Type.Integer() }), ...problemResponses }
      }
    },
    async ({ query }) => {
      const events = await system.getEvents({ ...rangeOf(query), limit: query.limit })
      return { events: events.map(wireOf), count: events.length }
    }
  )

  app.get(
    '/events/types',
    {
      ...asItIs,
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
      schema: {
        tags: ['query'],
        summary: 'One event',
        params: messageIdParameter,
        response: { 200: storedEvent, ...problemResponses }
      }
    },
    async ({ params }) => {
      const event = await system.store.getEvent(params.message_id)
      if (event !== undefined) return wireOf(event)
      throw new EventSystemError('not_found', `There is no event with the message id ${params.message_id}.`)
    }
  )
}
