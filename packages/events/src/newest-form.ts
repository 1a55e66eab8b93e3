import type { Validation } from './data-check.ts'
import type { EventSystemError } from './errors.ts'
import type { Answer, DataFault, Event, EventOf, StoredEvent } from './event-parts.ts'
import { isKnownEventType, validateData } from './registry.ts'
import { upcastEvent, upcastIfPossible } from './upcasting.ts'

/**
 * The newest form of an event: upcast, and valid against the whole schema of its type. An event of a type that is not known
 * here is returned as it is. Throws `invalid_data` with the pointer.
 */
export function newestForm<E extends Event>(event: E): E {
  if (!isKnownEventType(event.eventType)) return event
  const newest = upcastEvent(event)
  validateData(newest.eventType, newest.data)
  return newest
}

/** The newest form of an event, or why it has none. */
export type Newest<E extends Event> =
  | { readonly event: E; readonly fault?: undefined }
  | { readonly event?: undefined; readonly fault: DataFault }

/** {@link newestForm}, which does not throw. */
export function tryNewestForm<E extends Event>(event: E): Newest<E> {
  try {
    return { event: newestForm(event) }
  } catch (error) {
    const { message, pointer } = error as Partial<EventSystemError>
    return { fault: { message: message ?? String(error), pointer: pointer ?? '/data' } }
  }
}

/** A stored event as queries answer it: in the newest form, or as it is stored where it has none, and why. */
export function readForm<T extends string = string>(stored: StoredEvent): EventOf<T> {
  const { event, fault } = tryNewestForm(stored)
  const read: EventOf<string> = fault === undefined ? { ...event, valid: true } : { ...stored, valid: false, fault }
  return read as EventOf<T>
}

/** A stored event as it is asked for: {@link readForm}, or with `raw` as it is. */
export function answerOf<T extends string, Raw extends boolean>(stored: StoredEvent, raw?: boolean): Answer<T, Raw> {
  return (raw === true ? stored : readForm(stored)) as Answer<T, Raw>
}

/** Checks the data of an event that is to be stored, in the form of the newest version where they can be brought to it. */
export function checkData(event: Event, validation: Validation): void {
  // What cannot be upcast is refused by `strict`; `platform` checks its guarded fields where they stand.
  const { eventType, data } = validation === 'strict' ? upcastEvent(event) : upcastIfPossible(event)
  validateData(eventType, data, validation)
}
