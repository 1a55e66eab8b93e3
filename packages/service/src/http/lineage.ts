import Type from 'typebox'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { messageIdParameter, storedEvent } from './schemas.ts'
import { asItIs, wireOf } from './wire-event.ts'

export function lineageRoute(app: App, { system }: AppContext): void {
  app.get(
    '/events/:message_id/lineage',
    {
      ...asItIs,
      schema: {
        tags: ['query'],
        summary: 'What caused an event, and what followed from it',
        params: messageIdParameter,
        response: {
          200: Type.Object({
            event: storedEvent,
            causes: Type.Array(storedEvent, { description: 'The first cause first.' }),
            effects: Type.Array(storedEvent, { description: 'In log order.' }),
            complete: Type.Boolean({
              description: 'False when the search ended at its bound, or a cause is no longer in the log.'
            })
          }),
          ...problemResponses
        }
      }
    },
    async ({ params }) => {
      const { event, causes, effects, complete } = await system.store.lineage(params.message_id)
      return { event: wireOf(event), causes: causes.map(wireOf), effects: effects.map(wireOf), complete }
    }
  )
}
