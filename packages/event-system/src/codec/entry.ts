import {
  AS_STORED,
  decodeEvent,
  type Event,
  encodeEvent,
  isRetryable,
  type Validation,
  validateEvent,
  withCanonicalType,
  withLineage
} from '@tradpal/events'
import type { AppendEntry } from '../log/index.ts'
import { causeOfThisCall } from '../runtime/index.ts'
import { labelOf } from './label.ts'
import type { EventCodec } from './staged-codec.ts'

/**
 * What is appended for an event: with the lineage of the event whose handling this is a part of, checked, and encoded.
 * Throws `invalid_event`, `invalid_data`, `unknown_event_type`, `not_representable`, `payload_too_large`, and the
 * errors of the codec's stages, such as `key_missing` and `shredded`.
 */
export function entryOf(event: Event, codec: EventCodec, validation?: Validation): AppendEntry {
  return entryOfStamped(stampedEvent(event, validation), codec)
}

/** The event with the lineage of the event whose handling this is a part of, and the canonical name of its type; checked, by default `strict`. */
export function stampedEvent(event: Event, validation?: Validation): Event {
  const cause = causeOfThisCall()
  const stamped = cause === undefined ? event : withLineage(event, cause)
  validateEvent(stamped, validation)
  return withCanonicalType(stamped)
}

/** As {@link entryOf}, of a {@link stampedEvent}. */
export function entryOfStamped(event: Event, codec: EventCodec): AppendEntry {
  return { ...labelOf(event, codec), eventId: event.eventId, payload: codec.encode(event) }
}

/** Throws the errors of encoding that preparing the codec would not mend. */
export function assertEncodable(event: Event, codec: EventCodec): void {
  try {
    codec.encode(event)
  } catch (error) {
    if (!isRetryable(error)) throw error
  }
}

/** As a reader gets it. Throws `not_representable`. */
export function copyOf(event: Event): Event {
  return decodeEvent(encodeEvent(event), AS_STORED)
}
