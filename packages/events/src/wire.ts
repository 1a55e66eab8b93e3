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
import type { Event, EventMetadata } from './event.ts'
import { newEventId } from './event-id.ts'
import { parseWithBigInts, stringifyExact, stringifyJson } from './exact-json.ts'
import { assertExactText } from './exact-text.ts'
import { assertEachExact, assertExact, assertNotTooDeep, isPlain, MAX_NESTING } from './exact-value.ts'
import { checkAll } from './faults.ts'
import { isJsonObject, type JsonObject, shown } from './json-value.ts'
import { misspeltAs } from './nearest.ts'
import { checkData } from './newest-form.ts'
import { onlyOptions } from './only-options.ts'
import { canonicalTypeOf, isKnownEventType, resolveEventType } from './registry.ts'
import { assertMembersOnce } from './repeated-members.ts'
import { formatTimestamp } from './timestamp.ts'

const DATA = ',"data":'
const METADATA = ',"metadata":'

/** An event as it stands on the wire. */
export interface WireEvent {
  readonly event_type: string
  readonly event_id: string
  readonly timestamp: string
  readonly source: string
  readonly data: JsonObject
  readonly metadata: EventMetadata
}

export interface DecodeOptions {
  /** How the data are checked. Default `strict`. */
  readonly validation?: Validation
  /**
   * Whether it stands in a log, where others write too. Then a type that is not known here passes, its data unchecked, and of
   * a member that an object has twice the last counts, as for Python's `json.loads`. Default false: both are refused.
   */
  readonly stored?: boolean
  /** Whether an absent id and timestamp are made up, so that only `event_type` is required. Default false: they are required. */
  readonly complete?: boolean
}

/** How an event is read from a log: nothing that is stored is hidden because of its type or its data. */
export const AS_STORED: DecodeOptions = { validation: 'off', stored: true }

/** The wire form of an event. It shares the event's data and metadata, and checks nothing. */
export function toWire(event: Event): WireEvent {
  return {
    event_type: event.wireType ?? event.eventType,
    event_id: event.eventId,
    timestamp: event.timestamp,
    source: event.source,
    data: event.data,
    metadata: event.metadata
  }
}

/**
 * The event that a wire form says. A source, data and metadata that are absent or null are empty; further fields are ignored.
 * Throws `invalid_event`, `unknown_event_type` and `invalid_data`, with the pointer of the first part that is wrong, and in `errors` all parts
 * that are, and `invalid_options`.
 */
export function fromWire(wire: unknown, options: DecodeOptions = {}): Event {
  if (options !== AS_STORED) onlyOptions('decodeEvent()', options, { validation: true, stored: true, complete: true })
  if (!isJsonObject(wire)) {
    throw new EventSystemError('invalid_event', `An event must be a JSON object, got ${shown(wire)}.`, { pointer: '' })
  }
  try {
    return eventOf(wire, options)
  } catch (error) {
    // The data are checked last: where they are wrong, nothing else is.
    if (error instanceof EventSystemError && error.code !== 'invalid_data') checkAll(checksOf(wire, options))
    throw error
  }
}

function eventOf(wire: JsonObject, options: DecodeOptions): Event {
  const { validation = 'strict' } = options
  const wireType = wireTypeOf(wire)
  const eventType = typeOf(wireType, options)
  const event = {
    eventType,
    eventId: eventIdOf(wire, options),
    timestamp: timestampOf(wire, options),
    source: sourceOf(wire),
    data: dataOf(wire),
    metadata: metadataOf(wire, options)
  }
  if (validation !== 'off' && isKnownEventType(eventType)) checkData(event, validation)
  return wireType === eventType ? event : { ...event, wireType }
}

/** The checks of {@link eventOf}, each of which runs where another fails. */
function checksOf(wire: JsonObject, options: DecodeOptions): (() => unknown)[] {
  return [
    () => typeOf(wireTypeOf(wire), options),
    () => eventIdOf(wire, options),
    () => timestampOf(wire, options),
    () => sourceOf(wire),
    () => dataOf(wire),
    () => metadataOf(wire, options),
    () => eventOf(withDataAlone(wire, options), { ...options, complete: true })
  ]
}

/** The metadata stay where they are right: they say the version of the data. */
function withDataAlone(wire: JsonObject, options: DecodeOptions): JsonObject {
  const parts = { ...wire, event_id: null, timestamp: null, source: null }
  try {
    metadataOf(wire, options)
    return parts
  } catch {
    return { ...parts, metadata: null }
  }
}

function typeOf(wireType: string, { stored = false }: DecodeOptions): string {
  return stored ? canonicalTypeOf(wireType) : resolveEventType(wireType)
}

function eventIdOf(wire: JsonObject, { complete = false }: DecodeOptions): string {
  return complete && wire.event_id == null ? newEventId() : checkedEventId(present('event_id', wire))
}

function timestampOf(wire: JsonObject, { complete = false }: DecodeOptions): string {
  return complete && wire.timestamp == null ? formatTimestamp(Date.now()) : checkedTimestamp(present('timestamp', wire))
}

function sourceOf(wire: JsonObject): string {
  return checkedSource(wire.source ?? '')
}

function dataOf(wire: JsonObject): JsonObject {
  return checkedObject<JsonObject>('data', wire.data ?? {})
}

function metadataOf(wire: JsonObject, { validation = 'strict' }: DecodeOptions): EventMetadata {
  return checkedMetadata<EventMetadata>(wire.metadata ?? {}, validation)
}

/**
 * An event as JSON text. Throws `not_representable` with the pointer of what JSON would drop or change: NaN, undefined,
 * a Date, a cycle, a lone surrogate. -0 is written as 0. The envelope is not checked again.
 */
export function encodeEvent(event: Event): string {
  if (!isJsonObject(event)) {
    const sentence = `An event must be an object, as createEvent() makes it, got ${shown(event)}.`
    throw new EventSystemError('invalid_event', sentence)
  }
  const text = textOfWire(event)
  // JSON.stringify escapes a surrogate only where it stands alone.
  if (text.includes('\\ud')) assertEachExact(toWire(event), '')
  return text
}

function textOfWire(event: Event): string {
  if (isPlain(event.data) && isPlain(event.metadata)) return JSON.stringify(toWire(event))
  assertExact(event.data, '/data')
  assertExact(event.metadata, '/metadata')
  return stringifyExact(toWire(event))
}

/** The parts of {@link encodeEvent}'s text, for who keeps them apart: `<head>,"data":<data>,"metadata":<metadata>}`. Throws as it does. */
export function encodeParts(event: Event): { readonly head: string; readonly data: string; readonly metadata: string } {
  const text = encodeEvent(event)
  // Inside of strings quotes are escaped: the head, which has only strings, holds no such text.
  const data = text.indexOf(DATA)
  const metadata = text.endsWith(`${METADATA}{}}`) ? '{}' : stringifyJson(event.metadata)
  return {
    head: text.slice(0, data),
    data: text.slice(data + DATA.length, -metadata.length - METADATA.length - 1),
    metadata
  }
}

/** {@link encodeEvent}, as UTF-8. */
export function encodeEventBytes(event: Event): Uint8Array {
  return new TextEncoder().encode(encodeEvent(event))
}

/**
 * Reads an event from JSON text or its UTF-8 bytes. Beside the errors of {@link fromWire} it throws `invalid_json`, and
 * `not_representable` for a number that a double would change and for nesting past 128: what it returns can be written again, as it was.
 * An object that has a member twice is `invalid_json`, unless it is `stored`.
 */
export function decodeEvent(json: string | Uint8Array, options: DecodeOptions = {}): Event {
  return fromParsed(options.stored === true ? parseStoredJson(json) : parseJson(json), options)
}

/**
 * JSON.parse, of text or UTF-8 bytes, that changes nothing: an integer beyond ±(2^53 - 1) is a bigint. Throws `invalid_json`,
 * also for an object that has a member twice, and `not_representable` for a decimal that a double would change.
 */
export function parseJson(json: string | Uint8Array): unknown {
  const text = textOf(json)
  const value = parseStoredJson(text)
  assertMembersOnce(text, value)
  return value
}

/** As {@link parseJson}, of a text in a log that others write too: of a member that an object has twice, the last counts. */
export function parseStoredJson(json: string | Uint8Array): unknown {
  const text = textOf(json)
  const value = parsed(text)
  assertExactText(text)
  return value
}

/** {@link fromWire} of what JSON.parse gave, and so of nothing that JSON cannot carry but nesting past the limit. */
export function fromParsed(wire: unknown, options: DecodeOptions): Event {
  const event = fromWire(wire, options)
  assertNotTooDeep(event.data, '/data')
  assertNotTooDeep(event.metadata, '/metadata')
  return event
}

/** The text of a JSON document. Throws `invalid_json` for bytes that are no UTF-8. */
export function textOf(json: string | Uint8Array): string {
  if (typeof json === 'string') return json
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(json)
  } catch (cause) {
    const reason = ArrayBuffer.isView(json)
      ? 'The bytes are not UTF-8, and so no JSON.'
      : `JSON is read from a text or from bytes, got ${shown(json)}.`
    throw new EventSystemError('invalid_json', reason, { cause })
  }
}

/** JSON.parse with bigints, with `invalid_json` for what is none. */
export function parsed(text: string): unknown {
  try {
    return parseWithBigInts(text)
  } catch (cause) {
    if (cause instanceof RangeError) throw new EventSystemError('not_representable', TOO_DEEP, { pointer: '', cause })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new EventSystemError('invalid_json', `The text is not JSON: ${reason}.`, { cause })
  }
}

/** A reviver calls itself for each level. */
const TOO_DEEP = `The text nests far deeper than ${MAX_NESTING} objects and arrays, the most that an event may.`

function wireTypeOf(wire: JsonObject): string {
  const name = present('event_type', wire)
  if (typeof name === 'string' && name !== '') return name
  throw invalidPart('event_type', `must be a text, got ${shown(name)}`)
}

function present(part: string, wire: JsonObject): unknown {
  const value = wire[part]
  if (value == null) throw invalidPart(part, `is missing${misspeltAs(part, wire)}`)
  return value
}
