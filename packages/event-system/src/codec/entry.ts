import { type Event, validateEvent, withLineage } from '@tradpal/events'
import type { AppendEntry } from '../log/index.ts'
import { causeOfThisCall } from '../runtime/index.ts'
import type { EventCodec } from './event-codec.ts'

/**
 * What is appended for an event: with the lineage of the event whose handling this is a part of, checked, and encoded.
 * Throws `invalid_event`, `invalid_data`, `unknown_event_type`, `not_representable` and `payload_too_large`.
 */
export function entryOf(event: Event, codec: EventCodec): AppendEntry {
  const cause = causeOfThisCall()
  const stamped = cause === undefined ? event : withLineage(event, cause)
  validateEvent(stamped)
  return { eventId: stamped.eventId, eventType: stamped.eventType, payload: codec.encode(stamped) }
}
