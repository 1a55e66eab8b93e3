import { readFileSync } from 'node:fs'
import { EventSystemError, type EventTypeDefinition, parseEventTypes, parseJson } from '@tradpal/event-system'

/** The event types of EVENT_TYPES_FILE; none where the variable is unset or empty. Throws `invalid_options`. */
export function eventTypesIn(path: string | undefined): readonly EventTypeDefinition[] {
  if (path === undefined || path === '') return []
  try {
    return parseEventTypes(parseJson(readFileSync(path)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_options', `EVENT_TYPES_FILE ${path} cannot be used: ${reason}`, { cause })
  }
}
