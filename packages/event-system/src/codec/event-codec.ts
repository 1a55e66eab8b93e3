import { AS_STORED, decodeEvent, type Event, EventSystemError, encodeEvent } from '@tradpal/events'
import { ENCRYPTED, parseSealed } from './encryption/sealed-text.ts'

/** The largest event where nobody says another, in bytes of its JSON. */
export const MAX_EVENT_BYTES = 1_048_576

export interface EventCodec {
  /**
   * Refuses with `not_representable` what JSON would change in silence, with `payload_too_large` what is too large, with
   * `key_missing` what it lacks the key of, and with `shredded` what belongs to a subject whose key was destroyed.
   */
  encode(event: Event): string
  /**
   * Refuses with `invalid_json`, `invalid_event` or `not_representable` what is no event, with `key_missing` what it lacks the
   * key of, with `shredded` what nobody has a key of any more, with `decryption_failed` what was tampered with, and with `not_encrypted` a plain
   * event where only encrypted ones are read.
   */
  decode(payload: string): Event
  /**
   * Brings the keys of these events, which are kept in the log: to be awaited before they are encoded, and encoded at once then.
   * Undefined where nothing is to be brought. Rejects with what the log says.
   */
  beforeEncode?(events: readonly Event[]): Promise<void> | undefined
  /** As {@link beforeEncode}, before payloads are decoded. */
  beforeDecode?(payloads: readonly (string | null)[]): Promise<void> | undefined
  /** Whether decoding it would fail for no more than that its key was not brought. */
  lacksKeyOf?(payload: string | null): boolean
  /** Whether what it writes is the wire JSON as it stands, so that a text can be looked for in it. Default false. */
  readonly isPlain?: boolean
}

/** Writes the wire JSON, of at most so many bytes. Reads what is larger, too. */
export function wireCodec(maxEventBytes = MAX_EVENT_BYTES): EventCodec {
  return {
    isPlain: true,
    encode(event) {
      assertNotReserved(event)
      const payload = encodeEvent(event)
      assertFits([payload], maxEventBytes)
      return payload
    },
    decode(payload) {
      const event = decodeEvent(payload, AS_STORED)
      const sealed = sealedTextOf(event)
      if (sealed === undefined) return event
      const message = `The event is encrypted with the key ${JSON.stringify(parseSealed(sealed).keyId)}, and no keys are configured here (EVENT_ENCRYPTION_KEYS_FILE).`
      throw new EventSystemError('key_missing', message)
    }
  }
}

export const plainCodec = wireCodec()

/** The {@link EventCodec.beforeDecode} of entries, which for most codecs is nothing. */
export function beforeReading(
  codec: EventCodec,
  entries: readonly { readonly payload: string | null }[]
): Promise<void> | undefined {
  return codec.beforeDecode?.(entries.map(({ payload }) => payload))
}

/** A stored event as far as it stands in the clear: at least its id and type. Undefined for what is no event. */
export function labelOf(payload: string | null): Event | undefined {
  if (payload === null) return undefined
  try {
    return decodeEvent(payload, AS_STORED)
  } catch {
    return undefined
  }
}

/** Undefined for an event that stands there as it is. */
export function sealedTextOf({ data }: Event): string | undefined {
  const sealed = (data as { readonly [ENCRYPTED]?: unknown })[ENCRYPTED]
  return typeof sealed === 'string' ? sealed : undefined
}

/** Whoever read it would take it for encrypted. Throws `invalid_data`. */
export function assertNotReserved(event: Event): void {
  if (sealedTextOf(event) === undefined) return
  const message = `data.${ENCRYPTED} is where the text of an encrypted event stands: name the property otherwise.`
  throw new EventSystemError('invalid_data', message, { pointer: `/data/${ENCRYPTED}` })
}

/** Throws `payload_too_large` when the parts of an event's JSON are more bytes together. */
export function assertFits(parts: readonly string[], maxEventBytes: number): void {
  // A character takes 3 bytes at most, so few events have to be counted.
  let characters = 0
  for (const { length } of parts) characters += length
  if (characters * 3 <= maxEventBytes) return
  const bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0)
  if (bytes <= maxEventBytes) return
  const message = `An event of ${bytes} bytes is larger than the ${maxEventBytes} that are taken (EVENT_MAX_EVENT_BYTES): put what is large elsewhere, and publish where it is.`
  throw new EventSystemError('payload_too_large', message)
}
