import type { DeadLetter, DeadLetterAction, HandlingError, PendingTexts } from '../../log/index.ts'
import { eachText } from './sealed-letters.ts'
import type { TextVault } from './text-vault.ts'

export interface ResealerParts {
  readonly vault: TextVault
  /** Whether another key than the current one sealed it. */
  readonly isOld: (text: string) => boolean
  /** The payload, sealed with the current key. Undefined for one that cannot be opened. */
  readonly rekeyed: (payload: string) => string | undefined
}

/** Seals anew, with the current key, what an older one sealed. All else stays: what is plain, and what cannot be opened. */
export class Resealer {
  readonly #parts: ResealerParts

  constructor(parts: ResealerParts) {
    this.#parts = parts
  }

  letter(letter: DeadLetter): DeadLetter {
    const { group, messageId, payload, note } = letter
    const seal = (error: HandlingError) => eachText(error, (text) => this.#text(['error', group, messageId], text))
    return {
      ...letter,
      payload: payload === null ? null : this.#payload(payload),
      firstError: seal(letter.firstError),
      lastError: seal(letter.lastError),
      ...(note !== undefined && { note: this.#text(['note', group, messageId], note) })
    }
  }

  /** A record of what an operator did. */
  action(action: DeadLetterAction): DeadLetterAction {
    const { reason, letter } = action
    return {
      ...action,
      ...(reason !== undefined && { reason: this.#text(['reason', letter.id], reason) }),
      letter: this.letter(letter)
    }
  }

  /** What a group keeps of an entry. */
  pending({ messageId, note, amended }: PendingTexts, group: string): PendingTexts {
    return {
      messageId,
      ...(note !== undefined && { note: this.#text(['note', group, messageId], note) }),
      ...(amended !== undefined && { amended: this.#payload(amended) })
    }
  }

  #payload(payload: string): string {
    const { isOld, rekeyed } = this.#parts
    return isOld(payload) ? (rekeyed(payload) ?? payload) : payload
  }

  #text(place: readonly string[], text: string): string {
    const { isOld, vault } = this.#parts
    if (!isOld(text)) return text
    try {
      return vault.seal(place, vault.open(place, text))
    } catch {
      return text
    }
  }
}
