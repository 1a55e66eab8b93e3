import { isJsonObject, onlyOptions } from '@tradpal/events'
import type { Page, Position, Storage } from '../log/index.ts'
import { CHAIN } from './chain.ts'
import { type AuditEntry, BEGINNING, type Head, hasItsHash, readEntry } from './entry.ts'

/**
 * A fault of a chain.
 *
 * - `empty`: it has no entries, and nobody said that it may have none.
 * - `changed`: the text of an entry is not the one of which its hash was made.
 * - `removed`, `beginning_removed`, `end_removed`: entries are missing.
 * - `inserted`: an entry is there twice, or a text is no entry.
 * - `swapped`: an entry stands behind a later one.
 * - `replaced`: an entry does not follow from the one before.
 * - `other_head`: the entry of the head that was kept has another hash.
 * - `head_too_old`: the entry of the head that was kept was trimmed.
 */
export type ChainFault =
  | 'empty'
  | 'changed'
  | 'removed'
  | 'inserted'
  | 'swapped'
  | 'replaced'
  | 'beginning_removed'
  | 'end_removed'
  | 'other_head'
  | 'head_too_old'

/** The result of walking a chain. */
export interface Verification {
  readonly ok: boolean
  /** The number of entries that were checked. */
  readonly entries: number
  /** The number of the first entry that is left; `null` when there is none. */
  readonly first: number | null
  /** The last entry that is right; `null` when there is none. */
  readonly last: Head | null
  /** The first fault, with the number of its entry and a sentence. */
  readonly fault?: { readonly kind: ChainFault; readonly seq: number; readonly message: string }
}

/** What the caller knows about a chain. */
export interface Expectation {
  /** A head that the chain had once, kept elsewhere. A writer of the log can write the chain again behind that place without a trace, but not before it. */
  readonly head?: Head | undefined
  /** Whether the chain may be empty. Default: only when `head` is the place before the first entry. */
  readonly allowEmpty?: boolean | undefined
}

const PAGE = 1_000

/** Walks the chain of a log from its first entry to its last, in constant memory. Rejects with the errors of the log, and with `invalid_options`. */
export async function verify(storage: Storage, expected: Expectation = {}): Promise<Verification> {
  onlyOptions('verify()', expected, { head: true, allowEmpty: true })
  // Before the walk: entries that are appended meanwhile are not missing.
  const counted = await storage.log.versionOf(CHAIN)
  const walk = new Walk(counted, expected)
  const texts = textsOf(storage)
  for await (const text of texts) {
    if (walk.take(text)) continue
    return walk.result(await isLater(texts, walk.missing))
  }
  return walk.end()
}

async function* textsOf(storage: Storage): AsyncGenerator<string | null> {
  let from: Position = 'start'
  for (;;) {
    const { entries, position }: Page = await storage.log.read({ limit: PAGE, from })
    for (const { payload } of entries) yield payload
    if (entries.length < PAGE) return
    from = { after: position }
  }
}

/** Whether an entry that is missing stands further behind. */
async function isLater(rest: AsyncIterable<string | null>, seq: number | undefined): Promise<boolean> {
  if (seq === undefined) return false
  for await (const text of rest) if (readEntry(text)?.seq === seq) return true
  return false
}

class Walk {
  /** How many entries the log has counted. */
  readonly #counted: number
  readonly #head: Head | undefined
  readonly #allowEmpty: boolean
  #entries = 0
  #first: number | null = null
  #last: Head | undefined
  /** What stood before the first entry that is left, until a record of trimming has said that it was removed in order. */
  #unanchored: Head | undefined
  #fault: Verification['fault']
  /** The number of an entry that should stand here and does not. */
  missing: number | undefined

  constructor(counted: number, { head, allowEmpty = head?.seq === BEGINNING.seq }: Expectation) {
    this.#counted = counted
    this.#head = head
    this.#allowEmpty = allowEmpty
  }

  /** Returns whether all is right so far. */
  take(text: string | null): boolean {
    this.#entries++
    const entry = readEntry(text)
    const last = this.#last ?? this.#beginning(entry)
    const seq = last.seq + 1
    if (entry === undefined || text === null) return this.#wrong('inserted', seq, 'is no entry of the audit log')
    if (!hasItsHash(text)) return this.#wrong('changed', seq, 'is not as it was written')
    if (entry.seq > seq) {
      this.missing = seq
      return this.#wrong('removed', seq, 'is missing')
    }
    if (entry.seq < seq) return this.#stepsBack(entry.seq, last.seq)
    if (entry.prev !== last.hash) {
      return this.#wrong('replaced', entry.seq, 'does not follow from the one before: one of the two was replaced')
    }
    this.#first ??= entry.seq
    this.#last = { seq: entry.seq, hash: entry.hash }
    this.#lookForAnchor(entry)
    if (entry.seq === this.#head?.seq && entry.hash !== this.#head.hash) {
      return this.#wrong(
        'other_head',
        entry.seq,
        'has another hash than the head that was kept: the chain was written anew'
      )
    }
    return true
  }

  end(): Verification {
    const head = this.#head
    const last = this.#last ?? BEGINNING
    const first = this.#first ?? 1
    if (this.#unanchored !== undefined) {
      this.#wrong('beginning_removed', this.#unanchored.seq, 'and all before it are missing, and no record says so')
    } else if (head !== undefined && head.seq > last.seq) {
      this.#wrong('end_removed', last.seq + 1, `and all up to the head that was kept, ${head.seq}, are missing`)
    } else if (this.#counted > last.seq) {
      this.#wrong('end_removed', last.seq + 1, `and all up to ${this.#counted}, which the log has counted, are missing`)
    } else if (this.#last === undefined && !this.#allowEmpty) {
      this.#fault = { kind: 'empty', seq: 1, message: 'The audit log holds no entries.' }
    } else if (head !== undefined && head.seq < first && head.seq > 0) {
      this.#wrong('head_too_old', head.seq, 'was trimmed: a head as old proves nothing any more')
    }
    return this.result(false)
  }

  /** `isLater`: whether the entry that is missing stands further behind. */
  result(isLater: boolean): Verification {
    const [entries, first, last] = [this.#entries, this.#first, this.#last ?? null]
    if (this.#fault === undefined) return { ok: true, entries, first, last }
    const { seq } = this.#fault
    const fault = isLater ? faultOf('swapped', seq, 'stands further behind') : this.#fault
    return { ok: false, entries, first, last, fault }
  }

  /** What stands before the first entry that is left. */
  #beginning(entry: AuditEntry | undefined): Head {
    if (entry === undefined || entry.seq <= 1) return BEGINNING
    const before = { seq: entry.seq - 1, hash: entry.prev }
    this.#unanchored = before
    return before
  }

  #stepsBack(seq: number, last: number): false {
    const isFirstTime = this.#first !== null && seq < this.#first
    return isFirstTime
      ? this.#wrong('swapped', seq, `stands behind the entry ${last}`)
      : this.#wrong('inserted', seq, `stands again behind the entry ${last}`)
  }

  #lookForAnchor({ action, what }: AuditEntry): void {
    const before = this.#unanchored
    if (before === undefined || action !== 'audit.trimmed' || !isJsonObject(what)) return
    const { up_to_seq: seq, up_to_hash: hash } = what
    if (typeof seq !== 'number' || seq < before.seq || (seq === before.seq && hash !== before.hash)) return
    this.#unanchored = undefined
  }

  #wrong(kind: ChainFault, seq: number, what: string): false {
    this.#fault = faultOf(kind, seq, what)
    return false
  }
}

function faultOf(kind: ChainFault, seq: number, what: string): NonNullable<Verification['fault']> {
  return { kind, seq, message: `The entry ${seq} ${what}.` }
}
