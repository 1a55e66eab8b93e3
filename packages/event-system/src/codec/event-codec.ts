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
