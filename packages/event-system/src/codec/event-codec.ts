import { decodeEvent, type Event, EventSystemError, encodeEvent } from '@tradpal/events'

/** The largest event where nobody says another, in bytes of its JSON. */
export const MAX_EVENT_BYTES = 1_048_576

export interface EventCodec {
  /** Refuses with `not_representable` what JSON would change in silence, and with `payload_too_large` what is too large. */
  encode(event: Event): string
  /** Refuses with `invalid_json`, `invalid_event` or `not_representable` what is no event. */
  decode(payload: string): Event
}

/** Writes the wire JSON, of at most so many bytes. Reads what is larger, too. */
export function wireCodec(maxEventBytes = MAX_EVENT_BYTES): EventCodec {
  return {
    encode(event) {
      const payload = encodeEvent(event)
      // A character takes 3 bytes at most, so few events have to be counted.
      if (payload.length * 3 > maxEventBytes) mustFit(payload, maxEventBytes)
      return payload
    },
    decode: (payload) => decodeEvent(payload, { validate: 'envelope' })
  }
}

export const plainCodec = wireCodec()

function mustFit(payload: string, maxEventBytes: number): void {
  const bytes = Buffer.byteLength(payload)
  if (bytes <= maxEventBytes) return
  const message = `An event of ${bytes} bytes is larger than the ${maxEventBytes} that are taken (EVENT_MAX_EVENT_BYTES): put what is large elsewhere, and publish where it is.`
  throw new EventSystemError('payload_too_large', message)
}
