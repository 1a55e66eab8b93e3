import { AS_STORED, decodeEvent, type Event, EventSystemError, encodeEvent, parseJson } from '@tradpal/events'
import { type AppliedStage, EnvelopeHead, envelopeData, envelopeIn } from '../envelope.ts'
import type { ContentStage } from '../stage.ts'
import { ENCRYPTION, notEncrypted, subjectIdIn, usedKey, usedKeyOf } from './applied-encryption.ts'
import type { Sealer } from './sealer.ts'
import { type SubjectOf, subjectIdOfEvent } from './subject.ts'
import type { SubjectKeys } from './subject-keys.ts'

export interface EncryptionStageOptions {
  readonly sealer: Sealer
  /** Whose key encrypts an event. Default: the current key of the ring encrypts all. */
  readonly subjects?: { readonly keys: SubjectKeys; readonly keyFor: SubjectOf | undefined }
  /** Whether an event that is not encrypted is refused with `not_encrypted`. Default false: it is read. */
  readonly required?: boolean
}

/** Encrypts content for the id and the type of its event. It comes last: it authenticates the head of the envelope. */
export function encryptionStage({ sealer, subjects, required = false }: EncryptionStageOptions): ContentStage {
  const keyFor = subjects?.keyFor
  return {
    name: ENCRYPTION,
    write(content, { event, head }) {
      const subjectId = keyFor && subjectIdOfEvent(event, keyFor)
      return sealer.seal(content, { head, about: aboutEvent(event) }, subjectId)
    },
    read: (content, applied, { event, head }) => sealer.open(content, applied, { head, about: aboutEvent(event) }),
    ...(required && {
      refuseWithout({ eventId }) {
        throw notEncrypted(`The event ${JSON.stringify(eventId)}`)
      }
    }),
    ...(subjects !== undefined && keysForReading(subjects.keys)),
    ...(subjects !== undefined && keyFor !== undefined && keysForWriting(subjects.keys, keyFor))
  }
}

/** Reads no encrypted event: there are no keys. */
export const encryptionWithoutKeys: ContentStage = {
  name: ENCRYPTION,
  read(_, applied) {
    const message = `The event is encrypted with the key ${JSON.stringify(usedKey(applied).keyId)}, and no keys are configured here (EVENT_ENCRYPTION_KEYS_FILE).`
    throw new EventSystemError('key_missing', message)
  }
}

/** The payload with its content encrypted with the current key. Throws `key_missing` and `decryption_failed`. */
export function reencrypted(payload: string, sealer: Sealer): string {
  const event = decodeEvent(payload, AS_STORED)
  const envelope = envelopeIn(event.data)
  // The key of a subject is encrypted with the current key, and the content of its events stays.
  if (envelope === undefined || usedKeyOf(envelope.head)?.owner !== 'ring') return payload
  const { head, content } = envelope
  const about = aboutEvent(event)
  const opened = sealer.open(content, head.stages.at(-1) as AppliedStage, { head, about })
  const before = new EnvelopeHead(head.holds, head.stages.slice(0, -1))
  const text = envelopeData(sealer.seal(opened, { head: before, about }))
  return encodeEvent({ ...event, data: parseJson(text) as Event['data'] })
}

function keysForReading(keys: SubjectKeys): Pick<ContentStage, 'prepareReading' | 'isPrepared'> {
  return {
    prepareReading(payloads) {
      const ids = payloads.map(subjectIdIn).filter((id) => id !== undefined)
      return ids.length === 0 && !keys.hasMissed ? undefined : keys.lookUp(ids)
    },
    isPrepared(payload) {
      const id = subjectIdIn(payload)
      return id === undefined || !keys.lacks(id)
    }
  }
}

function keysForWriting(keys: SubjectKeys, keyFor: SubjectOf): Pick<ContentStage, 'prepareWriting'> {
  return {
    prepareWriting(events) {
      const ids = events.map((event) => subjectIdIfAny(event, keyFor)).filter((id) => id !== undefined)
      return ids.length === 0 ? undefined : keys.provide(ids)
    }
  }
}

/** A wrong subject is refused when its event is encoded, which says which event of a batch has it. */
function subjectIdIfAny(event: Event, keyFor: SubjectOf): string | undefined {
  try {
    return subjectIdOfEvent(event, keyFor)
  } catch {
    return undefined
  }
}

/** An event id has no control characters: the end of the id is certain. */
function aboutEvent({ eventId, eventType }: Event): string {
  return `${eventId}\n${eventType}`
}
