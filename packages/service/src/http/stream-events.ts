import { StreamEventPage, StreamEventsQuery } from '@tradpal/event-api'
import type { StreamEvent } from '@tradpal/event-system'
import { mayRead } from '@tradpal/event-system/access'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { asItIs, wireOf } from './wire-event.ts'

export function streamEventsRoute(app: App, { system }: AppContext): void {
  app.get(
    '/versions/events',
    {
      ...asItIs,
      config: { access: { some: 'read' }, audit: 'nothing' },
      schema: {
        operationId: 'listStreamEvents',
        tags: ['query'],
        summary: 'The events that were published with a stream key, in the order of their versions',
        description:
          'Left out are events that were trimmed or cannot be read, and those of types that the caller may not read: the versions show it.',
        querystring: StreamEventsQuery,
        response: { 200: StreamEventPage, ...problemResponses }
      }
    },
    async ({ query: { stream_key: streamKey, from_version: fromVersion, limit }, principal }) => {
      const events: StreamEvent<true>[] = []
      for await (const event of system.readStream(streamKey, { fromVersion, raw: true })) {
        if (mayRead(principal, event.eventType)) events.push(event)
        if (events.length === limit) break
      }
      const last = events.at(limit - 1)
      return {
        stream_key: streamKey,
        events: events.map(wireOfStream),
        count: events.length,
        ...(last === undefined ? {} : { next_version: last.version + 1 })
      }
    }
  )
}

/** The key stands once in the answer. */
function wireOfStream(event: StreamEvent<true>) {
  const { message_id, ...wire } = wireOf(event)
  return { message_id, version: event.version, ...wire }
}
