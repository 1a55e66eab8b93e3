import { type Clock, systemClock } from './clock.ts'
import {
  checkedEventId,
  checkedMetadata,
  checkedObject,
  checkedSource,
  checkedTimestamp,
  invalidPart
} from './envelope.ts'
import { EventSystemError } from './errors.ts'
import { newEventId } from './event-id.ts'
import type { EventType } from './event-types.ts'
import type { JsonObject, JsonValue } from './json-value.ts'
import { shown } from './json-value.ts'
import { resolveEventType, validateData } from './registry.ts'
import type { EventDataMap } from './schemas/index.ts'
import { formatTimestamp } from './timestamp.ts'

/** What an event of a type carries: typed for the platform's own types, any JSON object for registered ones. */
export type EventData<T extends string> = T extends EventType ? EventDataMap[T] : JsonObject

/** What travels beside the data. `correlation_id` and `causation_id` are the event's lineage. */
export interface EventMetadata {
  /** The id shared by everything that follows from one first event. */
  readonly correlation_id?: string
  /** The `eventId` of the event whose handling published this one. */
  readonly causation_id?: string
  readonly [key: string]: JsonValue | undefined
}

/** Something that happened. Immutable; `@tradpal/events` makes them with `createEvent` and reads them with `decodeEvent`. */
export interface Event<T extends string = string> {
  readonly eventType: T
  /** Unique for the event, a UUID unless the publisher chose another. Deduplication goes by it. */
  readonly eventId: string
  /** When it happened, RFC 3339 in UTC with 3 or 6 fraction digits and the offset `+00:00`: `2026-11-23T08:49:10.123+00:00`. */
  readonly timestamp: string
  /** Which service published it; empty when it did not say. */
  readonly source: string
  readonly data: EventData<T>
  readonly metadata: EventMetadata
}

/** An event together with its place in the log. */
export type StoredEvent<T extends string = string> = Event<T> & { readonly messageId: string }

/**
 * What a query of these types holds. Of the platform's own types each event has its data typed, and a look at
 * `eventType` tells several apart; any other name stands for any event. Nothing is checked against the schemas in
 * reading: what another writer put into the log may differ from its type.
 */
export type EventOf<T extends string> = T extends EventType ? StoredEvent<T> : StoredEvent

export interface CreateEventOptions {
  /** Which service publishes it. Default: empty. */
  readonly source?: string
  /** Default: nothing. */
  readonly metadata?: EventMetadata
  /** Unique for the event: 1 to 200 characters, none of them a control character. Default: a new UUID (of version 7). */
  readonly eventId?: string
  /** When it happened: RFC 3339 text, a Date, or milliseconds since the epoch. Default: now. */
  readonly timestamp?: string | Date | number
  /** Where "now" comes from. Default: the system's clock. */
  readonly clock?: Clock
}

/**
 * Makes an event of a known type and checks every part of it. The event holds the objects it is given, not copies.
 * Throws `unknown_event_type`, `invalid_event` (an id, a source, a timestamp, metadata) and `invalid_data`.
 */
export function createEvent<T extends string>(eventType: T, data: EventData<T>, options?: CreateEventOptions): Event<T>
export function createEvent<T extends string>(
  eventType: Record<never, never> extends EventData<T> ? T : never
): Event<T>
export function createEvent(eventType: string, data: JsonObject = {}, options: CreateEventOptions = {}): Event {
  if (typeof eventType !== 'string') throw invalidPart('event_type', `must be a text, got ${shown(eventType)}`)
  const type = resolveEventType(eventType)
  const { source = '', metadata = {}, eventId, timestamp, clock = systemClock } = options
  validateData(type, checkedObject('data', data))
  return {
    eventType: type,
    eventId: eventId === undefined ? newEventId() : checkedEventId(eventId),
    timestamp: stamped(timestamp ?? clock.now()),
    source: checkedSource(source),
    data,
    metadata: checkedMetadata(metadata)
  }
}

/**
 * Checks an event that was not made by {@link createEvent}, with the same errors. What it does not check is whether
 * JSON can carry the data and the metadata: writing the event does.
 */
export function validateEvent(event: Event): void {
  if (typeof event !== 'object' || event === null) {
    throw new EventSystemError(
      'invalid_event',
      `An event must be an object, as createEvent() makes it, got ${shown(event)}.`
    )
  }
  if (typeof event.eventType !== 'string')
    throw invalidPart('event_type', `must be a text, got ${shown(event.eventType)}`)
  checkedEventId(event.eventId)
  if (checkedTimestamp(event.timestamp) !== event.timestamp) {
    throw invalidPart(
      'timestamp',
      `must be in UTC with +00:00 and 3 or 6 fraction digits, got ${shown(event.timestamp)}`
    )
  }
  checkedSource(event.source)
  checkedMetadata(event.metadata)
  validateData(event.eventType, checkedObject('data', event.data))
}

function stamped(timestamp: string | Date | number): string {
  if (typeof timestamp === 'string') return checkedTimestamp(timestamp)
  try {
    return formatTimestamp(timestamp)
  } catch {
    throw invalidPart(
      'timestamp',
      `must be a text, a Date or milliseconds in the years 1 to 9999, got ${shown(timestamp)}`
    )
  }
}
