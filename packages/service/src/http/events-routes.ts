import { decodeEvent, decodeEvents, EventSystemError, type PublishReceipt } from '@tradpal/event-system'
import Type from 'typebox'
import { takeBodiesAsText, textOf } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { newEvent, published, publishedBatch } from './schemas.ts'

/** A batch has at most so many events: it is one append, and one answer. */
const MAX_BATCH = 10_000

export function eventsRoutes(app: App, { system }: AppContext): void {
  app.post(
    '/events',
    {
      config: { body: newEvent },
      schema: { tags: ['publish'], summary: 'Publish an event', response: { 200: published, ...problemResponses } }
    },
    async ({ body }) =>
      receiptOf(await system.publisher.publish(decodeEvent(textOf(body, 'an event'), { complete: true })))
  )
}

/** In a scope of its own: no other endpoint takes NDJSON. */
export function batchRoute(app: App, { system }: AppContext): void {
  takeBodiesAsText(app, ['application/x-ndjson'])
  app.post(
    '/events/batch',
    {
      config: {
        body: Type.Array(newEvent, { maxItems: MAX_BATCH }),
        takes: ['application/json', 'application/x-ndjson']
      },
      schema: {
        tags: ['publish'],
        summary: 'Publish events as one unit: all or none',
        description: `A JSON array, or NDJSON as application/x-ndjson; at most ${MAX_BATCH} events. What is refused names its index.`,
        response: { 200: publishedBatch, ...problemResponses }
      }
    },
    async ({ body, headers }) => {
      const events = decodeBatch(textOf(body, 'events'), headers['content-type'])
      if (events.length > MAX_BATCH) {
        const sentence = `A batch has at most ${MAX_BATCH} events, got ${events.length}; send it in parts.`
        throw new EventSystemError('payload_too_large', sentence)
      }
      const messageIds = await system.publishBatch(events)
      const eventIds = events.map(({ eventId }) => eventId)
      return { status: 'published' as const, count: events.length, message_ids: messageIds, event_ids: eventIds }
    }
  )
}

export function receiptOf({ messageId, eventId, duplicate }: PublishReceipt) {
  return {
    message_id: messageId,
    event_id: eventId,
    status: 'published' as const,
    ...(duplicate ? { duplicate: true as const } : {})
  }
}

function decodeBatch(text: string, contentType = '') {
  if (contentType.startsWith('application/json') && !/^\s*\[/.test(text)) {
    const sentence = 'A batch must be a JSON array of events; one event a line is sent as application/x-ndjson.'
    throw new EventSystemError('invalid_event', sentence, { pointer: '' })
  }
  return decodeEvents(text, { complete: true })
}
