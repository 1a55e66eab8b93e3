import { EventSystemError } from '@tradpal/events'
import { open, seal } from './cipher.ts'
import type { KeyRing } from './key-ring.ts'
import { headOf, type Inside, parseSealed } from './sealed-text.ts'

/** Where the keys are, for sentences, and what they are now. */
export interface KeySource {
  readonly path: string
  readonly ring: KeyRing
}

/** Seals texts with the current key of a ring, and opens what any of its keys sealed. */
export class Sealer {
  readonly #keys: KeySource

  constructor(keys: KeySource) {
    this.#keys = keys
  }

  /** `about`: to what the text belongs. With another it is not opened. */
  seal(inside: Inside, about: string, text: string): string {
    const { current, keys } = this.#keys.ring
    const { salt, key } = (keys.get(current) as NonNullable<ReturnType<typeof keys.get>>).next()
    const head = headOf(inside, current, salt)
    return `${head}.${seal(key, `${head}\n${about}`, text)}`
  }

  /** Throws `key_missing` and `decryption_failed`. */
  open(sealed: string, about: string): { readonly inside: Inside; readonly text: string } {
    const { inside, keyId, salt, head, box } = parseSealed(sealed)
    const keys = this.#keys.ring.keys.get(keyId)
    if (keys === undefined) throw keyMissing(keyId, `among the keys in ${this.#keys.path}: roll it out there`)
    try {
      return { inside, text: open(keys.ofSalt(salt), `${head}\n${about}`, box) }
    } catch {
      const message = `What is encrypted with the key ${keyId} is not as it was written: it was changed, cut short, or put in another's place.`
      throw new EventSystemError('decryption_failed', message)
    }
  }
}

/** `where` says where the key is not, and what to do. */
function keyMissing(keyId: string, where: string): EventSystemError {
  return new EventSystemError('key_missing', `The encryption key ${JSON.stringify(keyId)} is not ${where}.`)
}
