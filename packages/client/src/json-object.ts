import { EventSystemError, parseJson } from '@tradpal/events'

export type JsonParts = Readonly<Record<string, unknown>>

/** The JSON object in a text, or undefined when it holds none. Throws `not_representable` for one whose numbers would change. */
export function parseObject(text: string): JsonParts | undefined {
  try {
    const value = parseJson(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonParts) : undefined
  } catch (error) {
    if (error instanceof EventSystemError && error.code === 'invalid_json') return undefined
    throw error
  }
}
