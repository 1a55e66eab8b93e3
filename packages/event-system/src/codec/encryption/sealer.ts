import { EventSystemError } from '@tradpal/events'
import { type AppliedStage, type Envelope, EnvelopeHead, envelopeInText, envelopeText } from '../envelope.ts'
import { appliedEncryption, usedKey } from './applied-encryption.ts'
import { open, seal } from './cipher.ts'
import type { DerivedKeys } from './derived-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** Where the keys are, for sentences, and what they are now. */
export interface KeySource {
  readonly path: string
  readonly ring: KeyRing
}

/** Finds the keys of subjects, by their ids. */
export interface SubjectSource {
  /** Throws `key_missing`, `shredded` and `decryption_failed`. */
  keysOf(id: string): DerivedKeys
}

/** The place of content, which is authenticated with it: content that was moved to another place does not open. */
export interface Place {
  /** While sealing, with the stages before this one; while opening, with all. */
  readonly head: EnvelopeHead
  /** The event or the document that the content belongs to. */
  readonly about: string
}

/** Encrypts content with the current key of a ring or with that of a subject, and opens content that any of their keys encrypted. */
export class Sealer {
  readonly #keys: KeySource
  readonly #subjects: SubjectSource

  constructor(keys: KeySource, subjects: SubjectSource = NO_SUBJECTS) {
    this.#keys = keys
    this.#subjects = subjects
  }

  /** `subjectId`: whose key encrypts, by its id; default, the ring's current one. Throws `key_missing` and `shredded` for a subject. */
  seal(content: Buffer, { head, about }: Place, subjectId?: string): Envelope {
    const { current, keys } = this.#keys.ring
    const owner = subjectId === undefined ? 'ring' : 'subject'
    const derived = subjectId === undefined ? (keys.get(current) as DerivedKeys) : this.#subjects.keysOf(subjectId)
    const { salt, key } = derived.next()
    const sealed = head.with(appliedEncryption({ owner, keyId: subjectId ?? current, salt }))
    return { head: sealed, content: seal(key, authenticated({ head: sealed, about }), content) }
  }

  /** Throws `key_missing`, `shredded` and `decryption_failed`. */
  open(content: Buffer, applied: AppliedStage, place: Place): Buffer {
    const { owner, keyId, salt } = usedKey(applied)
    const keys = owner === 'ring' ? this.#ofRing(keyId) : this.#subjects.keysOf(keyId)
    try {
      return open(keys.ofSalt(salt), authenticated(place), content)
    } catch {
      const message = `Content that is encrypted with the key ${keyId} is not as it was written: it was changed, cut short, or moved to another place.`
      throw new EventSystemError('decryption_failed', message)
    }
  }

  /** The envelope of a text beside the events, as a text. Throws as {@link seal} does. */
  sealText(text: string, about: string, subjectId?: string): string {
    return envelopeText(this.seal(Buffer.from(text), { head: new EnvelopeHead('text'), about }, subjectId))
  }

  /** The text that {@link sealText} put into an envelope. Throws as {@link open} does, and `decryption_failed` for any other text. */
  openText(text: string, about: string): string {
    const envelope = envelopeInText(text)
    const [applied, ...others] = envelope?.head.stages ?? []
    if (envelope === undefined || applied === undefined || others.length > 0) {
      throw new EventSystemError('decryption_failed', 'The text is not an envelope that encryption alone made.')
    }
    return this.open(envelope.content, applied, { head: envelope.head, about }).toString()
  }

  #ofRing(keyId: string): DerivedKeys {
    const keys = this.#keys.ring.keys.get(keyId)
    if (keys !== undefined) return keys
    throw new EventSystemError(
      'key_missing',
      `The encryption key ${JSON.stringify(keyId)} is not among the keys in ${this.#keys.path}: roll it out there.`
    )
  }
}

/** JSON has no line break between its parts: the end of the head is certain. */
function authenticated({ head, about }: Place): string {
  return `${head.text}\n${about}`
}

const NO_SUBJECTS: SubjectSource = {
  keysOf() {
    throw new EventSystemError('key_missing', 'The keys of subjects stand in a log, and there is none here.')
  }
}
