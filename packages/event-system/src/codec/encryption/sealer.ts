import type { KeyObject } from 'node:crypto'
import { EventSystemError } from '@tradpal/events'
import { open, seal } from './cipher.ts'
import type { DerivedKeys } from './derived-keys.ts'
import type { KeyRing } from './key-ring.ts'
import { headOf, type Inside, parseSealed } from './sealed-text.ts'

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

export interface Opened {
  readonly inside: Inside
  readonly text: string
}

/** Seals texts with the current key of a ring or with that of a subject, and opens what any of them sealed. */
export class Sealer {
  readonly #keys: KeySource
  readonly #subjects: SubjectSource

  constructor(keys: KeySource, subjects: SubjectSource = NO_SUBJECTS) {
    this.#keys = keys
    this.#subjects = subjects
  }

  /** `about`: to what the text belongs. With another it is not opened. */
  seal(inside: Inside, about: string, text: string): string {
    const { current, keys } = this.#keys.ring
    const { salt, key } = (keys.get(current) as DerivedKeys).next()
    return sealed(key, headOf('ring', inside, current, salt), about, text)
  }

  /** As {@link seal}, with the key of a subject, by its id. Throws `key_missing` and `shredded`. */
  sealFor(subjectId: string, inside: Inside, about: string, text: string): string {
    const { salt, key } = this.#subjects.keysOf(subjectId).next()
    return sealed(key, headOf('subject', inside, subjectId, salt), about, text)
  }

  /** Throws `key_missing`, `shredded` and `decryption_failed`. */
  open(text: string, about: string): Opened {
    const { owner, inside, keyId, salt, head, box } = parseSealed(text)
    const keys = owner === 'ring' ? this.#ofRing(keyId) : this.#subjects.keysOf(keyId)
    try {
      return { inside, text: open(keys.ofSalt(salt), authenticated(head, about), box) }
    } catch {
      const message = `What is encrypted with the key ${keyId} is not as it was written: it was changed, cut short, or put in another's place.`
      throw new EventSystemError('decryption_failed', message)
    }
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

function sealed(key: KeyObject, head: string, about: string, text: string): string {
  return `${head}.${seal(key, authenticated(head, about), text)}`
}

/** The head of a sealed text is authenticated together with the place that the text belongs to. */
function authenticated(head: string, about: string): string {
  return `${head}\n${about}`
}

const NO_SUBJECTS: SubjectSource = {
  keysOf() {
    throw new EventSystemError('key_missing', 'The keys of subjects stand in a log, and there is none here.')
  }
}
