import { type Clock, systemClock } from './clock.ts'
import type { Validation } from './data-check.ts'
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
import type { Event, EventMetadata } from './event-parts.ts'
import type { CanonicalType, EventData, EventTypeName } from './event-type-names.ts'
import type { JsonObject } from './json-value.ts'
import { isJsonObject, shown } from './json-value.ts'
import { checkData } from './newest-form.ts'
import { type OptionNames, onlyOptions } from './only-options.ts'
import { aliasOf, resolveEventType } from './registry.ts'
import { formatTimestamp } from './timestamp.ts'
import { newestVersionOf } from './upcasting.ts'

export type * from './event-parts.ts'

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
  /** How the data are checked. Default `strict`. */
  readonly validation?: Validation
}

const OPTIONS: OptionNames<CreateEventOptions> = {
  source: true,
  metadata: true,
  eventId: true,
  timestamp: true,
  clock: true,
  validation: true
}

/** The data may be left out where the type requires nothing. */
type EventRest<Data> =
  Record<never, never> extends Data
    ? [data?: Data, options?: CreateEventOptions]
    : [data: Data, options?: CreateEventOptions]

/**
 * Makes an event of a known type and checks every part of it. The event holds the objects it is given, not copies. Of a type
 * that has further versions it says the newest in `metadata.schema_version`, unless the metadata name one. Throws `unknown_event_type`, `invalid_event` (an id, a source, a timestamp, metadata), `invalid_data`, and `invalid_options` for an option that it does not have.
 */
export function createEvent<T extends string>(
  eventType: EventTypeName<T>,
  ...rest: EventRest<EventData<T>>
): Event<CanonicalType<T>>
export function createEvent(eventType: string, data: JsonObject = {}, options: CreateEventOptions = {}): Event {
  if (typeof eventType !== 'string') throw invalidPart('event_type', `must be a text, got ${shown(eventType)}`)
  onlyOptions('createEvent()', options, OPTIONS)
  const type = resolveEventType(eventType)
  const { source = '', metadata = {}, eventId, timestamp, clock = systemClock, validation = 'strict' } = options
  if (typeof clock?.now !== 'function') {
    throw new EventSystemError('invalid_options', `clock must be a clock with now() and sleep(), got ${shown(clock)}.`)
  }
  const event = {
    eventType: type,
    eventId: eventId === undefined ? newEventId() : checkedEventId(eventId),
    timestamp: stamped(timestamp ?? clock.now()),
    source: checkedSource(source),
    data: checkedObject<JsonObject>('data', data),
    metadata: withVersion(type, checkedMetadata<EventMetadata>(metadata, validation))
  }
  checkData(event, validation)
  return type === eventType ? event : { ...event, wireType: eventType }
}

/** Readers that know of no versions see none of a type that has only the first. */
function withVersion(eventType: string, metadata: EventMetadata): EventMetadata {
  const newest = newestVersionOf(eventType)
  return newest === 1 || metadata.schema_version !== undefined ? metadata : { ...metadata, schema_version: newest }
}

/** The event under the canonical name of its type, and what it was sent under in `wireType`. */
export function withCanonicalType(event: Event): Event {
  const type = aliasOf(event.eventType)
  return type === undefined ? event : { ...event, eventType: type, wireType: event.eventType }
}

/**
 * Checks an event that was not made by {@link createEvent}, with the same errors; its data as `validation` says, by default
 * `strict`. What it does not check is whether JSON can carry the data and the metadata: writing the event does.
 */
export function validateEvent(event: Event, validation: Validation = 'strict'): void {
  if (!isJsonObject(event)) {
    throw new EventSystemError(
      'invalid_event',
      `An event must be an object, as createEvent() makes it, got ${shown(event)}.`
    )
  }
  if (typeof event.eventType !== 'string') throw withoutType(event)
  checkedEventId(event.eventId)
  if (checkedTimestamp(event.timestamp) !== event.timestamp) {
    throw invalidPart(
      'timestamp',
      `must be in UTC with +00:00 and 3 or 6 fraction digits, got ${shown(event.timestamp)}`
    )
  }
  checkedSource(event.source)
  checkedMetadata(event.metadata, validation)
  checkedObject('data', event.data)
  checkWireType(event)
  checkData(withCanonicalType(event), validation)
}

/** The refusal of an object that has no `eventType`. It is likely a promise, or an event in the form of the wire. */
function withoutType(event: JsonObject): EventSystemError {
  if (typeof event.then === 'function') {
    return new EventSystemError('invalid_event', 'An event must be an object, got a promise: await it first.')
  }
  const hint = Object.hasOwn(event, 'event_type') ? '; fromWire() reads the form with event_type' : ''
  return invalidPart(
    'event_type',
    `must be a text in eventType, as createEvent() makes it, got ${shown(event.eventType)}${hint}`
  )
}

/** Under another name the event would be stored as one of another type. */
function checkWireType({ eventType, wireType }: Event): void {
  if (wireType === undefined || wireType === eventType || aliasOf(wireType) === eventType) return
  throw invalidPart('event_type', `must be a name of ${eventType}, got ${shown(wireType)} in wireType`)
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
