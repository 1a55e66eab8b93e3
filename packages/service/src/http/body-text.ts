import { EventSystemError, type JsonObject, parseJson } from '@tradpal/event-system'
import type { FastifyInstance, FastifyRequest } from 'fastify'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Bodies of these content types, and no others, reach a handler as their text: only the text tells whether a number
 * survives being read.
 */
export function takeBodiesAsText(app: FastifyInstance, contentTypes: readonly string[]): void {
  for (const contentType of contentTypes) {
    app.addContentTypeParser(contentType, { parseAs: 'buffer' }, (request, body, done) => {
      request.bodyBytes = body.length
      try {
        done(null, utf8.decode(body as Buffer))
      } catch (cause) {
        done(new EventSystemError('invalid_json', 'The body is not UTF-8, and so no JSON.', { cause }))
      }
    })
  }
}

/**
 * The `preValidation` of a route whose body has a schema: the text becomes its value, each number exact. No body is an
 * empty object.
 */
export async function readBody(request: FastifyRequest): Promise<void> {
  const { body } = request
  request.body = typeof body === 'string' && body.trim() !== '' ? parseJson(body) : {}
}

/** The body's text. Refuses with `invalid_json` a request without one. */
export function textOf(body: unknown, wanted: string): string {
  if (typeof body === 'string' && body.trim() !== '') return body
  throw new EventSystemError('invalid_json', `The body is empty; send ${wanted} as JSON.`, { pointer: '' })
}

/** The body as a JSON object, each of its numbers exact. */
export function objectOf(body: unknown, wanted: string): JsonObject {
  const value = parseJson(textOf(body, wanted))
  if (isObject(value)) return value
  throw new EventSystemError('invalid_event', `The body must be ${wanted}, a JSON object.`, { pointer: '' })
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
