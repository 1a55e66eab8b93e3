import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Encryption } from '../codec/index.ts'
import type { DeadLetter, EventLog, MessageId } from '../log/index.ts'

/** So many texts are read at a time. */
const STEP = 500

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
type Counted = 'deadLetters' | 'pending' | 'actions' | 'subjectKeys'

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

/** Counts what a log keeps beside its entries that an old key encrypted: in dead letters, for groups, and of what operators did. */
export async function countTexts(log: EventLog, encryption: Encryption, needs: NeededKeys): Promise<void> {
  const { deadLetters } = log
  const add = (what: Counted, texts: readonly (string | null | undefined)[]) => {
    const keyIds = new Set(texts.map((text) => encryption.keyIdOf(text ?? null)))
    for (const keyId of keyIds) if (keyId !== undefined && keyId !== encryption.current) needs.add(keyId, what)
  }
  for await (const letter of all((page) => deadLetters.list(page), idOf)) add('deadLetters', textsOf(letter))
  for await (const { reason, letter } of all((page) => deadLetters.actions(page), idOf)) {
    add('actions', [reason, ...textsOf(letter)])
  }
  for (const { name } of (await log.info()).groups) {
    const group = log.group(name)
    const pending = all(
      (page) => group.pending(page),
      ({ messageId }) => messageId
    )
    for await (const { note, amended } of pending) add('pending', [note, amended])
  }
}

/** Page by page. */
async function* all<Item>(
  read: (page: { limit: number; after?: string }) => Promise<readonly Item[]>,
  placeOf: (item: Item) => string
): AsyncGenerator<Item> {
  let after: string | undefined
  for (;;) {
    const page = await read({ limit: STEP, ...(after !== undefined && { after }) })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < STEP) return
    after = placeOf(last)
    // An embedded log answers at once: others in this process get their turn.
    await nextTurn()
  }
}

function idOf({ id }: { readonly id: string }): string {
  return id
}

function textsOf({ payload, firstError, lastError, note }: DeadLetter): (string | null | undefined)[] {
  return [payload, firstError.message, lastError.message, note]
}
