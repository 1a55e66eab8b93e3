import { EventSystemError } from '@tradpal/events'
import { ENCRYPTED, notEncrypted, parseSealed } from './sealed-text.ts'
import type { Sealer } from './sealer.ts'
import type { SubjectKeys } from './subject-keys.ts'

const PREFIX = `${ENCRYPTED}:`

/** Texts that quote events, beside the events themselves: what handlers failed with, what their steps returned. Each is sealed to its place. */
export class TextVault {
  readonly #sealer: Sealer
  readonly #subjects: Pick<SubjectKeys, 'lookUp'> | undefined
  readonly #required: boolean

  /** `subjects`: where their keys are, when any have one. `required`: whether a plain text is refused. */
  constructor(sealer: Sealer, subjects?: Pick<SubjectKeys, 'lookUp'>, { required = false } = {}) {
    this.#sealer = sealer
    this.#subjects = subjects
    this.#required = required
  }

  seal(place: readonly string[], text: string): string {
    return `${PREFIX}${this.#sealer.seal('text', JSON.stringify(place), text)}`
  }

  /**
   * As {@link seal}, with the key of a subject, which was brought. What its destroyed key would seal is lost: why stands in its
   * place. What a text says of a subject that never had a key is sealed as any other.
   */
  sealFor(subjectId: string, place: readonly string[], text: string): string {
    try {
      return `${PREFIX}${this.#sealer.sealFor(subjectId, 'text', JSON.stringify(place), text)}`
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      if (error.code === 'shredded') return this.seal(place, unreadable(error))
      if (error.code === 'decryption_failed') return this.seal(place, text)
      throw error
    }
  }

  /** Brings the keys of these subjects, by their ids: nothing can be sealed for them, or opened, before. Rejects with what the log says. */
  async bring(subjectIds: Iterable<string>): Promise<void> {
    const ids = new Set(subjectIds)
    if (ids.size > 0) await this.#subjects?.lookUp(ids)
  }

  /** A plain text is as it is, unless encryption is required. Throws `key_missing`, `decryption_failed` and `not_encrypted`. */
  open(place: readonly string[], text: string): string {
    if (isSealed(text)) return this.#sealer.open(text.slice(PREFIX.length), JSON.stringify(place)).text
    if (this.#required) throw notEncrypted(`A text beside the events (${place.join(', ')})`)
    return text
  }

  /** For people, who see a plain text as it is in any case, and in the place of one that cannot be read why that is so. */
  shown(place: readonly string[], text: string): string {
    if (!isSealed(text)) return text
    try {
      return this.open(place, text)
    } catch (error) {
      if (error instanceof EventSystemError) return unreadable(error)
      throw error
    }
  }
}

/** The id of the subject whose key sealed a text. Undefined for what is plain, and what the ring sealed. */
export function subjectIdOfText(text: string): string | undefined {
  if (!isSealed(text)) return undefined
  try {
    const { owner, keyId } = parseSealed(text.slice(PREFIX.length))
    return owner === 'subject' ? keyId : undefined
  } catch {
    return undefined
  }
}

function unreadable({ message }: EventSystemError): string {
  return `(It cannot be read. ${message})`
}

/** The sealed text of what {@link TextVault.seal} made. Undefined for another. */
export function sealedTextIn(text: string): string | undefined {
  return isSealed(text) ? text.slice(PREFIX.length) : undefined
}

export function isSealed(text: string): boolean {
  return text.startsWith(PREFIX)
}
