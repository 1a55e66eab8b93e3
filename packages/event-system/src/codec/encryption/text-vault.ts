import { EventSystemError } from '@tradpal/events'
import { ENCRYPTED } from './sealed-text.ts'
import type { Sealer } from './sealer.ts'

const PREFIX = `${ENCRYPTED}:`

/** Texts that quote events, beside the events themselves: what handlers failed with, what their steps returned. Each is sealed to its place. */
export class TextVault {
  readonly #sealer: Sealer

  constructor(sealer: Sealer) {
    this.#sealer = sealer
  }

  seal(place: readonly string[], text: string): string {
    return `${PREFIX}${this.#sealer.seal('text', JSON.stringify(place), text)}`
  }

  /** A text that was written without encryption is as it is. Throws `key_missing` and `decryption_failed`. */
  open(place: readonly string[], text: string): string {
    return isSealed(text) ? this.#sealer.open(text.slice(PREFIX.length), JSON.stringify(place)).text : text
  }

  /** For who is to see something in any case: why a text cannot be read, in its place. */
  shown(place: readonly string[], text: string): string {
    try {
      return this.open(place, text)
    } catch (error) {
      if (error instanceof EventSystemError) return `(It cannot be read. ${error.message})`
      throw error
    }
  }
}

/** The sealed text of what {@link TextVault.seal} made. Undefined for another. */
export function sealedTextIn(text: string): string | undefined {
  return isSealed(text) ? text.slice(PREFIX.length) : undefined
}

export function isSealed(text: string): boolean {
  return text.startsWith(PREFIX)
}
