import type { TextVault } from './text-vault.ts'

export interface ResealerParts {
  readonly vault: TextVault
  /** Whether another key than the current one sealed it. */
  readonly isOld: (text: string) => boolean
  /** The payload, sealed with the current key. Undefined for one that cannot be opened. */
  readonly rekeyed: (payload: string) => string | undefined
}

/** Seals with the current key what an older one sealed. All else stays: what is plain, and what cannot be opened. */
export class Resealer {
  readonly #parts: ResealerParts

  constructor(parts: ResealerParts) {
    this.#parts = parts
  }

  payload(payload: string): string {
    const { isOld, rekeyed } = this.#parts
    return isOld(payload) ? (rekeyed(payload) ?? payload) : payload
  }

  /** A text of {@link TextVault.seal}, at its place. */
  text(place: readonly string[], text: string): string {
    const { isOld, vault } = this.#parts
    if (!isOld(text)) return text
    try {
      return vault.seal(place, vault.open(place, text))
    } catch {
      return text
    }
  }
}
