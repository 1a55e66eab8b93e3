import {
  decodeEvent,
  type Event,
  type EventMetadata,
  EventSystemError,
  encodePart,
  type JsonObject,
  parseJson
} from '@tradpal/events'
import { assertFits, assertNotReserved, type EventCodec, sealedTextOf } from '../event-codec.ts'
import { ENCRYPTED } from './sealed-text.ts'
import type { Sealer } from './sealer.ts'

export interface EncryptingCodecOptions {
  readonly sealer: Sealer
  /** Whether the metadata is encrypted too. */
  readonly metadata: boolean
  /** Of the event's JSON before it is encrypted. */
  readonly maxEventBytes: number
}

/**
 * Writes a wire event whose data, and with the option metadata, can be read only with the key; type, id, timestamp and
 * source stand in the clear. Reads what is plain as well.
 */
export function encryptingCodec({
  sealer,
  metadata: hidesMetadata,
  maxEventBytes
}: EncryptingCodecOptions): EventCodec {
  return {
    encode(event) {
      assertNotReserved(event)
      const data = encodePart(event, 'data')
      const metadata = encodePart(event, 'metadata')
      const head = headOf(event)
      assertFits([head, data, metadata], maxEventBytes)
      const sealed = hidesMetadata
        ? sealer.seal('event', aboutEvent(event), `[${data},${metadata}]`)
        : sealer.seal('data', aboutEvent(event), data)
      return `${head},"data":{"${ENCRYPTED}":"${sealed}"},"metadata":${hidesMetadata ? '{}' : metadata}}`
    },
    decode(payload) {
      const event = decodeEvent(payload, { validate: 'envelope' })
      const sealed = sealedTextOf(event)
      return sealed === undefined ? event : opened(event, sealed, sealer)
    }
  }
}

/** The payload with the same inside, sealed with the current key. Throws `key_missing` and `decryption_failed`. */
export function resealed(payload: string, sealer: Sealer): string {
  const event = decodeEvent(payload, { validate: 'envelope' })
  const sealed = sealedTextOf(event)
  if (sealed === undefined) return payload
  const { inside, text } = sealer.open(sealed, aboutEvent(event))
  return payload.replace(sealed, sealer.seal(inside, aboutEvent(event), text))
}

function opened(event: Event, sealed: string, sealer: Sealer): Event {
  const { inside, text } = sealer.open(sealed, aboutEvent(event))
  if (inside === 'data') return { ...event, data: parseJson(text) as JsonObject }
  if (inside === 'text') throw new EventSystemError('decryption_failed', 'The encrypted text belongs to no event.')
  const [data, metadata] = parseJson(text) as [JsonObject, EventMetadata]
  return { ...event, data, metadata }
}

/** An event id has no control characters: where it ends is certain. */
function aboutEvent({ eventId, eventType }: Event): string {
  return `${eventId}\n${eventType}`
}

/** The parts that stay in the clear, up to the data. */
function headOf({ eventType, eventId, timestamp, source }: Event): string {
  const head = JSON.stringify({ event_type: eventType, event_id: eventId, timestamp, source })
  return head.slice(0, -1)
}
