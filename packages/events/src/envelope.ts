import type { Validation } from './data-check.ts'
import { EventSystemError } from './errors.ts'
import { isJsonObject, shown } from './json-value.ts'
import { normalizeTimestamp } from './timestamp.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/
const LINEAGE = ['correlation_id', 'causation_id'] as const

/** Each function here takes one part of an event and gives it back as it must be, or throws `invalid_event` with its pointer. */
export function checkedEventId(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 200 && !CONTROL.test(value)) {
    // A log that keeps it as UTF-8 would take it for another one.
    if (value.isWellFormed()) return value
    throw invalidPart('event_id', 'has a lone surrogate, half of a character that UTF-16 writes as two')
  }
  const rule = 'must be a text of 1 to 200 characters without control characters'
  throw invalidPart(
    'event_id',
    typeof value === 'string' && value.length > 200 ? `${rule}, got ${value.length}` : `${rule}, got ${shown(value)}`
  )
}

export function checkedTimestamp(value: unknown): string {
  try {
    return normalizeTimestamp(value as string)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_event', `timestamp: ${reason}`, { pointer: '/timestamp', cause })
  }
}

export function checkedSource(value: unknown): string {
  if (typeof value === 'string') return value
  throw invalidPart('source', `must be a text, got ${shown(value)}`)
}

export function checkedObject<T extends object>(part: 'data' | 'metadata', value: unknown): T {
  if (isJsonObject(value)) {
    if (typeof value.then !== 'function') return value as unknown as T
    throw invalidPart(part, 'must be an object, got a promise: await it first')
  }
  throw invalidPart(part, `must be an object, got ${shown(value)}`)
}

/** The level `strict` alone requires that the ids of the lineage are texts: services that exist write other values, and null. */
export function checkedMetadata<T extends object>(value: unknown, validation: Validation): T {
  const metadata = checkedObject<Record<string, unknown>>('metadata', value)
  for (const key of validation === 'strict' ? LINEAGE : []) {
    const id = metadata[key]
    if (id !== undefined && id !== null && typeof id !== 'string')
      throw invalidPart(`metadata/${key}`, `must be a text, got ${shown(id)}`)
  }
  return metadata as T
}

/** The refusal of one part of an event, by its path on the wire. */
export function invalidPart(path: string, reason: string): EventSystemError {
  return new EventSystemError('invalid_event', `${path.replace('/', '.')} ${reason}.`, { pointer: `/${path}` })
}
