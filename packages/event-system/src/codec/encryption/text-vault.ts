import { EventSystemError } from '@tradpal/events'
import { isEnvelopeText } from '../envelope.ts'
import { notEncrypted, subjectIdIn } from './applied-encryption.ts'
import type { Sealer } from './sealer.ts'
import type { SubjectKeys } from './subject-keys.ts'

/** Texts that quote events, beside the events themselves: errors of handlers, results of their steps. Each is encrypted for its place. */
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
    return this.#sealer.sealText(text, JSON.stringify(place))
  }

  /**
   * As {@link seal}, with the key of the subject of an event, which was fetched by {@link prepare}; without a subject, as any other. A text
   * that a destroyed key would encrypt is lost: a sentence stands in its place.
   */
  sealFor(payload: string | null, place: readonly string[], text: string): string {
    const subjectId = subjectIdIn(payload)
    try {
      return this.#sealer.sealText(text, JSON.stringify(place), subjectId)
    } catch (error) {
      if (!(error instanceof EventSystemError)) throw error
      if (error.code === 'shredded') return this.seal(place, unreadable(error))
      // The payload names a subject that never had a key.
      if (error.code === 'decryption_failed') return this.seal(place, text)
      throw error
    }
  }

  /** Fetches the keys of the subjects whose keys encrypted these payloads and texts: await it before {@link sealFor} and {@link open}. Rejects with the error of the log. */
  async prepare(payloadsAndTexts: readonly (string | null)[]): Promise<void> {
    const ids = new Set(payloadsAndTexts.map(subjectIdIn).filter((id) => id !== undefined))
    if (ids.size > 0) await this.#subjects?.lookUp(ids)
  }

  /** A plain text is as it is, unless encryption is required. Throws `key_missing`, `shredded`, `decryption_failed` and `not_encrypted`. */
  open(place: readonly string[], text: string): string {
    if (isEnvelopeText(text)) return this.#sealer.openText(text, JSON.stringify(place))
    if (this.#required) throw notEncrypted(`A text beside the events (${place.join(', ')})`)
    return text
  }

  /** For people, who see a plain text as it is in any case, and in the place of one that cannot be read the reason. */
  shown(place: readonly string[], text: string): string {
    if (!isEnvelopeText(text)) return text
    try {
      return this.open(place, text)
    } catch (error) {
      if (error instanceof EventSystemError) return unreadable(error)
      throw error
    }
  }
}

function unreadable({ message }: EventSystemError): string {
  return `(It cannot be read. ${message})`
}
