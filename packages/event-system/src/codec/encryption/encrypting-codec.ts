import {
  AS_STORED,
  decodeEvent,
  type Event,
  type EventMetadata,
  EventSystemError,
  encodeParts,
  type JsonObject,
  parseStoredJson
} from '@tradpal/events'
import { assertFits, assertNotReserved, type EventCodec, sealedTextOf } from '../event-codec.ts'
import { ENCRYPTED, notEncrypted, parseSealed, subjectIdIn } from './sealed-text.ts'
import type { Sealer } from './sealer.ts'
import { type SubjectOf, subjectIdOfEvent } from './subject.ts'
import type { SubjectKeys } from './subject-keys.ts'

export interface EncryptingCodecOptions {
  readonly sealer: Sealer
  /** Whose key seals an event. Default: the ring's current one seals all. */
  readonly subjects?: { readonly keys: SubjectKeys; readonly keyFor: SubjectOf | undefined }
  /** Whether the metadata is encrypted too. */
  readonly metadata: boolean
  /** Whether a plain event is refused with `not_encrypted`. Default false: it is read. */
  readonly required?: boolean
  /** Of the event's JSON before it is encrypted. */
  readonly maxEventBytes: number
}

/**
 * Writes a wire event whose data, and with the option metadata, can be read only with the key; type, id, timestamp and
 * source stand in the clear. Reads plain events as well, unless encryption is required.
 */
export function encryptingCodec({
  sealer,
  subjects,
  metadata: hidesMetadata,
  required = false,
  maxEventBytes
}: EncryptingCodecOptions): EventCodec {
  const keyFor = subjects?.keyFor

  return {
    encode(event) {
      assertNotReserved(event)
      const { head, data, metadata } = encodeParts(event)
      assertFits([head, data, metadata], maxEventBytes)
      const inside = hidesMetadata ? 'event' : 'data'
      const text = hidesMetadata ? `[${data},${metadata}]` : data
      const subjectId = keyFor && subjectIdOfEvent(event, keyFor)
      const about = aboutEvent(event)
      const sealed =
        subjectId === undefined ? sealer.seal(inside, about, text) : sealer.sealFor(subjectId, inside, about, text)
      return `${head},"data":{"${ENCRYPTED}":"${sealed}"},"metadata":${hidesMetadata ? '{}' : metadata}}`
    },
    decode(payload) {
      const event = decodeEvent(payload, AS_STORED)
      const sealed = sealedTextOf(event)
      if (sealed !== undefined) return opened(event, sealed, sealer)
      if (required) throw notEncrypted(`The event ${JSON.stringify(event.eventId)}`)
      return event
    },
    ...(subjects !== undefined && keysForReading(subjects.keys)),
    ...(subjects !== undefined && keyFor !== undefined && keysForWriting(subjects.keys, keyFor))
  }
}

/** The steps of a codec whose keys have to be brought from a log. */
function keysForReading(keys: SubjectKeys): Pick<EventCodec, 'beforeDecode' | 'lacksKeyOf'> {
  return {
    beforeDecode(payloads) {
      const ids = payloads.map(subjectIdOf).filter((id) => id !== undefined)
      return ids.length === 0 && !keys.hasMissed ? undefined : keys.lookUp(ids)
    },
    lacksKeyOf(payload) {
      const id = subjectIdOf(payload)
      return id !== undefined && keys.lacks(id)
    }
  }
}

function keysForWriting(keys: SubjectKeys, keyFor: SubjectOf): Pick<EventCodec, 'beforeEncode'> {
  return {
    beforeEncode(events) {
      const ids = events.map((event) => subjectIdIfAny(event, keyFor)).filter((id) => id !== undefined)
      return ids.length === 0 ? undefined : keys.provide(ids)
    }
  }
}

/** What is wrong with a subject is said when its event is encoded, and of which of them. */
function subjectIdIfAny(event: Event, keyFor: SubjectOf): string | undefined {
  try {
    return subjectIdOfEvent(event, keyFor)
  } catch {
    return undefined
  }
}

function subjectIdOf(payload: string | null): string | undefined {
  return payload === null ? undefined : subjectIdIn(payload)
}

/** The payload with the same inside, sealed with the current key. Throws `key_missing` and `decryption_failed`. */
export function resealed(payload: string, sealer: Sealer): string {
  const event = decodeEvent(payload, AS_STORED)
  const sealed = sealedTextOf(event)
  // The key of a subject is wrapped anew, and not what it seals.
  if (sealed === undefined || parseSealed(sealed).owner === 'subject') return payload
  const { inside, text } = sealer.open(sealed, aboutEvent(event))
  return payload.replace(sealed, sealer.seal(inside, aboutEvent(event), text))
}

function opened(event: Event, sealed: string, sealer: Sealer): Event {
  const { inside, text } = sealer.open(sealed, aboutEvent(event))
  if (inside === 'data') return { ...event, data: parseStoredJson(text) as JsonObject }
  if (inside === 'text') throw new EventSystemError('decryption_failed', 'The encrypted text belongs to no event.')
  const [data, metadata] = parseStoredJson(text) as [JsonObject, EventMetadata]
  return { ...event, data, metadata }
}

/** An event id has no control characters: where it ends is certain. */
function aboutEvent({ eventId, eventType }: Event): string {
  return `${eventId}\n${eventType}`
}
