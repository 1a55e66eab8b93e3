import { EventSystemError, type JsonObject, parseJson } from '@tradpal/event-system'
import type { FastifyRequest } from 'fastify'

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
