import { Lineage, MessageIdPath } from '@tradpal/event-api'
import type { StoredEvent } from '@tradpal/event-system'
import { mayRead } from '@tradpal/event-system/access'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { asItIs, noSuchEvent, wireOf } from './wire-event.ts'

export function lineageRoute(app: App, { system }: AppContext): void {
  app.get(
    '/events/:message_id/lineage',
    {
      ...asItIs,
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        operationId: 'getLineage',
        tags: ['query'],
        summary: 'What caused an event, and what followed from it',
        params: MessageIdPath,
        response: { 200: Lineage, ...problemResponses }
      }
    },
    async ({ params, principal }) => {
      const { event, causes, effects, complete } = await system.store.lineage(params.message_id, { raw: true })
      const readable = (events: readonly StoredEvent[]) =>
        events.filter(({ eventType }) => mayRead(principal, eventType))
      if (readable([event]).length === 0) throw noSuchEvent(params.message_id)
      const shown = { causes: readable(causes), effects: readable(effects) }
      return {
        event: wireOf(event),
        causes: shown.causes.map(wireOf),
        effects: shown.effects.map(wireOf),
        complete: complete && shown.causes.length === causes.length && shown.effects.length === effects.length
      }
    }
  )
}
