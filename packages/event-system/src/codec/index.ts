/**
 * Event to stored text and back. The plain codec writes the wire JSON, so that whatever else reads the log can read it.
 * Reading is lenient where others write: a type that this process does not know passes, since another service may have
 * registered it; what is no event at all is refused.
 */
import { decodeEvent, type Event, encodeEvent } from '@tradpal/events'

export interface EventCodec {
  /** Refuses with `not_representable` what JSON would change in silence. */
  encode(event: Event): string
  /** Refuses with `invalid_json`, `invalid_event` or `not_representable` what is no event. */
  decode(payload: string): Event
}

export const plainCodec: EventCodec = {
  encode: (event) => encodeEvent(event),
  decode: (payload) => decodeEvent(payload, { validate: 'envelope' })
}
