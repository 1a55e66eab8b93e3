import {
  BatchAnswer,
  BatchPublishQuery,
  BatchPublishRequest,
  BatchSpoolReceipt,
  MAX_BATCH,
  PublishHeaders,
  PublishQuery,
  PublishRequest,
  StreamVersion,
  StreamVersionQuery
} from '@tradpal/event-api'
import {
  decodeEvent,
  decodeEvents,
  EventIdConflictError,
  EventSystemError,
  type PublishReceipt,
  type Validation
} from '@tradpal/event-system'
import { allPublishedBy, publishedBy } from '@tradpal/event-system/access'
import type { FastifyRequest } from 'fastify'
import { notePublished } from './auditing.ts'
import { textOf } from './body-text.ts'
import type { App, AppContext } from './context.ts'
import { problemResponses } from './problems.ts'
import { batchReceiptOf, publishOptions, publishResponses, receiptOf } from './receipts.ts'

export function eventsRoutes(app: App, { system, limits }: AppContext): void {
  app.post(
    '/events',
    {
      config: { access: { some: 'publish' }, audit: 'events.published', body: PublishRequest },
      schema: {
        operationId: 'publishEvent',
        tags: ['publish'],
        summary: 'Publish an event',
        headers: PublishHeaders,
        querystring: PublishQuery,
        response: { ...publishResponses, ...problemResponses }
      }
    },
    async (request, reply) => {
      const { body, query, principal } = request
      const event = publishedBy(
        principal,
        decodeEvent(textOf(body, 'an event'), { complete: true, validation: system.publisher.validation })
      )
      const options = publishOptions(request, query)
      await limits.publish(request, reply, 1)
      request.offered = [event]
      return receiptOf(await system.publisher.publish(event, options), reply)
    }
  )

  app.get(
    '/versions',
    {
      config: { access: { some: 'publish' }, audit: 'nothing' },
      schema: {
        operationId: 'getStreamVersion',
        tags: ['publish'],
        summary: 'How many events were published with a stream key: 0 when none ever was',
        querystring: StreamVersionQuery,
        response: { 200: StreamVersion, ...problemResponses }
      }
    },
    async ({ query }) => ({ stream_key: query.stream_key, version: await system.versionOf(query.stream_key) })
  )
}

/** In a scope of its own: no other endpoint takes NDJSON. */
export function batchRoute(app: App, { system, limits, bodies }: AppContext): void {
  bodies.takeAsText(app, ['application/x-ndjson'])
  app.post(
    '/events/batch',
    {
      config: {
        access: { some: 'publish' },
        audit: 'events.published',
        body: BatchPublishRequest,
        takes: ['application/json', 'application/x-ndjson']
      },
      schema: {
        operationId: 'publishBatch',
        tags: ['publish'],
        summary: 'Publish events as one unit: all or none',
        description: `A JSON array, or NDJSON as application/x-ndjson; at most ${MAX_BATCH} events. What is refused names its index. 409 event_id_conflict names in conflicts the events whose ids stand for other events; all others are published then.`,
        headers: PublishHeaders,
        querystring: BatchPublishQuery,
        response: { 200: BatchAnswer, 202: BatchSpoolReceipt, ...problemResponses }
      }
    },
    async (request, reply) => {
      const { body, headers, query, principal } = request
      const decoded = decodeBatch(textOf(body, 'events'), headers['content-type'], system.publisher.validation)
      if (decoded.length > MAX_BATCH) {
        const sentence = `A batch has at most ${MAX_BATCH} events, got ${decoded.length}; send it in parts.`
        throw new EventSystemError('payload_too_large', sentence)
      }
      const events = allPublishedBy(principal, decoded)
      const options = publishOptions(request, query)
      if (query.dry_run === true) {
        await system.publisher.check(events)
        return { status: 'checked' as const, count: events.length }
      }
      await limits.publish(request, reply, events.length)
      request.offered = events
      return batchReceiptOf(await allPublished(request, system.publisher.publishAll(events, options)), reply)
    }
  )
}

/** Of a batch with event ids in conflict the rest is in the log, and is recorded like any other publish. */
async function allPublished(request: FastifyRequest, publishing: Promise<PublishReceipt[]>): Promise<PublishReceipt[]> {
  try {
    return await publishing
  } catch (error) {
    if (error instanceof EventIdConflictError) {
      request.offered = request.offered?.filter((_, index) => !error.conflicts?.includes(index))
      notePublished(request, error.published)
    }
    throw error
  }
}

function decodeBatch(text: string, contentType = '', validation: Validation) {
  if (contentType.startsWith('application/json') && !/^\s*\[/.test(text)) {
    const sentence = 'A batch must be a JSON array of events; one event a line is sent as application/x-ndjson.'
    throw new EventSystemError('invalid_event', sentence, { pointer: '' })
  }
  return decodeEvents(text, { complete: true, validation })
}
