import type { MessageId } from '../log/index.ts'

/** An old key that something still needs, or may. */
export interface NeededKey {
  readonly keyId: string
  /** How many entries of the log are encrypted with it. */
  readonly entries: number
  /** How many dead letters are: their events, or what is said of them. */
  readonly deadLetters: number
  /** How many events of groups are that wait for a retry, or that were put back with other data: what is kept of them meanwhile. */
  readonly pending: number
  /** How many records of what operators did: their reasons, and the letters as they were. These stay for as long as the log does. */
  readonly actions: number
  /** How many keys of subjects are, or what is left of them. */
  readonly subjectKeys: number
  /** Until when what steps of handlers returned may be, ms since the epoch: the ledger is not gone through. `null` when it is past. */
  readonly ledgerUntil: number | null
  /** The last of those entries, and when the log took it, ms since the epoch: when retention has removed it, none is left. `null` with none. */
  readonly newestId: MessageId | null
  readonly newestAt: number | null
}

/** What can be counted of a key. */
export type Counted = 'deadLetters' | 'pending' | 'actions' | 'subjectKeys'

const NOTHING: Omit<NeededKey, 'keyId'> = {
  entries: 0,
  deadLetters: 0,
  pending: 0,
  actions: 0,
  subjectKeys: 0,
  ledgerUntil: null,
  newestId: null,
  newestAt: null
}

/** Gathers which old keys are needed, and by what. */
export class NeededKeys {
  readonly #byKey = new Map<string, NeededKey>()

  get list(): NeededKey[] {
    return [...this.#byKey.values()]
  }

  /** In log order. */
  addEntry(keyId: string, newestId: MessageId, newestAt: number): void {
    const before = this.#of(keyId)
    this.#byKey.set(keyId, { ...before, entries: before.entries + 1, newestId, newestAt })
  }

  add(keyId: string, what: Counted): void {
    const before = this.#of(keyId)
    this.#byKey.set(keyId, { ...before, [what]: before[what] + 1 })
  }

  untilLedgerForgets(keyId: string, ledgerUntil: number): void {
    this.#byKey.set(keyId, { ...this.#of(keyId), ledgerUntil })
  }

  #of(keyId: string): NeededKey {
    return this.#byKey.get(keyId) ?? { keyId, ...NOTHING }
  }
}
