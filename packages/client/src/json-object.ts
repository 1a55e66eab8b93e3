import { EventSystemError, parseJson } from '@tradpal/events'

export type JsonParts = Readonly<Record<string, unknown>>

/** A part of a document of the service, as it came: its fields by their names, unchecked. */
export type FieldsOf<Document> = { readonly [Name in keyof Document]?: unknown }

/** What a text that should hold a JSON object holds: the object, or why there is none. */
export type ObjectReading =
  | { readonly object: JsonParts; readonly cause?: undefined }
  | { readonly object?: undefined; readonly cause: EventSystemError }

/** The cause is `invalid_json`, or `not_representable` for an object whose numbers would change. */
export function readObject(text: string): ObjectReading {
  try {
    const value = parseJson(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { object: value as JsonParts }
    return { cause: new EventSystemError('invalid_json', 'The text is JSON, and no object.') }
  } catch (cause) {
    if (cause instanceof EventSystemError) return { cause }
    throw cause
  }
}
