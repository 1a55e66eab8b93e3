import { EventSystemError } from '@tradpal/events'
import type { Ledger, LedgerEntry } from '../../log/index.ts'
import { subjectIdIn } from './sealed-text.ts'
import { subjectIdOfText, type TextVault } from './text-vault.ts'

/** Why a value is not opened, though its entry counts. */
const STAY: ReadonlySet<string> = new Set(['shredded', 'not_encrypted'])

/**
 * The ledger of a group: what steps returned is sealed, with the key of the customer whose event it was where that has one, and
 * that handlers are done stands there as it is.
 */
export class SealedLedger implements Ledger {
  readonly #ledger: Ledger
  readonly #group: string
  readonly #vault: TextVault

  constructor(ledger: Ledger, group: string, vault: TextVault) {
    this.#ledger = ledger
    this.#group = group
    this.#vault = vault
  }

  /**
   * Throws `key_missing` and `decryption_failed`. The value of a shredded customer stays sealed, and a plain value stays plain where
   * encryption is required: that there is an entry counts still.
   */
  async read(eventIds: readonly string[]): Promise<LedgerEntry[]> {
    const entries = await this.#ledger.read(eventIds)
    await this.#bringFor(entries)
    return entries.map((entry) => this.#openedIfPossible(entry))
  }

  /** Throws `key_missing`, `shredded`, `decryption_failed` and `not_encrypted`. */
  async begin(eventId: string, step: string): Promise<LedgerEntry | undefined> {
    const before = await this.#ledger.begin(eventId, step)
    if (before === undefined) return undefined
    await this.#bringFor([before])
    return this.#opened(before)
  }

  async write(entries: readonly LedgerEntry[]): Promise<void> {
    await this.#vault.bring(entries.map(({ payload }) => subjectIdIn(payload)).filter((id) => id !== undefined))
    return this.#ledger.write(entries.map((entry) => this.#sealed(entry)))
  }

  forget(eventId: string, step: string): Promise<boolean> {
    return this.#ledger.forget(eventId, step)
  }

  #sealed(entry: LedgerEntry): LedgerEntry {
    const { value, payload } = entry
    if (value === null) return entry
    const place = this.#placeOf(entry)
    const subjectId = subjectIdIn(payload)
    const sealed =
      subjectId === undefined ? this.#vault.seal(place, value) : this.#vault.sealFor(subjectId, place, value)
    return { ...entry, value: sealed }
  }

  #opened(entry: LedgerEntry): LedgerEntry {
    return entry.value === null ? entry : { ...entry, value: this.#vault.open(this.#placeOf(entry), entry.value) }
  }

  #openedIfPossible(entry: LedgerEntry): LedgerEntry {
    try {
      return this.#opened(entry)
    } catch (error) {
      if (error instanceof EventSystemError && STAY.has(error.code)) return entry
      throw error
    }
  }

  #bringFor(entries: readonly LedgerEntry[]): Promise<void> {
    return this.#vault.bring(entries.map(({ value }) => subjectIdOfText(value ?? '')).filter((id) => id !== undefined))
  }

  #placeOf({ eventId, step }: LedgerEntry): string[] {
    return ['ledger', this.#group, eventId, step]
  }
}
