import type { Ledger, LedgerEntry } from '../../log/index.ts'
import type { TextVault } from './text-vault.ts'

/** The ledger of a group: what steps returned is sealed, and that handlers are done stands there as it is. */
export class SealedLedger implements Ledger {
  readonly #ledger: Ledger
  readonly #group: string
  readonly #vault: TextVault

  constructor(ledger: Ledger, group: string, vault: TextVault) {
    this.#ledger = ledger
    this.#group = group
    this.#vault = vault
  }

  /** Throws `key_missing` and `decryption_failed`, as {@link begin} does. */
  async read(eventIds: readonly string[]): Promise<LedgerEntry[]> {
    return (await this.#ledger.read(eventIds)).map((entry) => this.#opened(entry))
  }

  async begin(eventId: string, step: string): Promise<LedgerEntry | undefined> {
    const before = await this.#ledger.begin(eventId, step)
    return before && this.#opened(before)
  }

  write(entries: readonly LedgerEntry[]): Promise<void> {
    return this.#ledger.write(
      entries.map((entry) =>
        entry.value === null ? entry : { ...entry, value: this.#vault.seal(this.#placeOf(entry), entry.value) }
      )
    )
  }

  forget(eventId: string, step: string): Promise<boolean> {
    return this.#ledger.forget(eventId, step)
  }

  #opened(entry: LedgerEntry): LedgerEntry {
    return entry.value === null ? entry : { ...entry, value: this.#vault.open(this.#placeOf(entry), entry.value) }
  }

  #placeOf({ eventId, step }: LedgerEntry): string[] {
    return ['ledger', this.#group, eventId, step]
  }
}
