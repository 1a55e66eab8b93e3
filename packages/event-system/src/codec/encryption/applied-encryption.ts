import { EventSystemError } from '@tradpal/events'
import { type AppliedStage, ENCODED, type EnvelopeHead } from '../envelope.ts'

/** The name of the stage in envelopes. */
export const ENCRYPTION = 'aes-256-gcm'

/** The form of a key id and of a salt. No writer with a key makes longer ones, and readers remember both. */
const PART = /^[\w-]{1,64}$/
/** An envelope up to the subject whose key encrypted it. */
const OF_SUBJECT = new RegExp(`\\${ENCODED}"?\\s*:\\s*"?[\\w;,=-]{0,200}?,subject=([\\w-]{1,64})`)

/** Which key encrypted content: one of the ring, or the key of a subject, by its id; and the salt from which the writer derived its own key. */
export interface UsedKey {
  readonly owner: 'ring' | 'subject'
  readonly keyId: string
  readonly salt: string
}

/** How an envelope names the stage: the key id under `key` or `subject`, and the salt. Nothing of it is secret. */
export function appliedEncryption({ owner, keyId, salt }: UsedKey): AppliedStage {
  return owner === 'ring' ? { name: ENCRYPTION, key: keyId, salt } : { name: ENCRYPTION, subject: keyId, salt }
}

/** Which key encrypted the content of an envelope. Undefined for one that is not encrypted. Throws `decryption_failed` for one in another form. */
export function usedKeyOf(head: EnvelopeHead): UsedKey | undefined {
  const applied = head.stages.find(({ name }) => name === ENCRYPTION)
  return applied && usedKey(applied)
}

/** As {@link usedKeyOf}, of the stage itself. */
export function usedKey({ key, subject, salt = '' }: AppliedStage): UsedKey {
  const keyId = key ?? subject ?? ''
  if (!PART.test(keyId) || !PART.test(salt) || (key !== undefined && subject !== undefined)) {
    throw new EventSystemError(
      'decryption_failed',
      'The envelope does not say with which key its content is encrypted.'
    )
  }
  return { owner: key === undefined ? 'subject' : 'ring', keyId, salt }
}

/** The id of the subject whose key encrypted a payload, or a text beside one, read without parsing it. Undefined for any other. */
export function subjectIdIn(text: string | null | undefined): string | undefined {
  return OF_SUBJECT.exec(text ?? '')?.[1]
}

/** `what`: the subject of the sentence, such as `The event "a"`. */
export function notEncrypted(what: string): EventSystemError {
  const message = `${what} is not encrypted, and only encrypted events and texts are read here (EVENT_REQUIRE_ENCRYPTION).`
  return new EventSystemError('not_encrypted', message)
}
