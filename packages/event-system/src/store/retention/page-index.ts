import type { Checkpoint, Entry, MessageId, ReadRange, Storage } from '../../log/index.ts'
import type { Holding } from './rules.ts'

/** So many entries at most are counted together, read together and removed together. */
const PAGE = 1_000

/** An entry and the rule that it is under. */
export interface RuledEntry extends Holding {
  readonly messageId: MessageId
  readonly appendedAt: number
  readonly rule: string
}

/** A stretch of the log: what stands behind the stretch before it, up to its end. */
export interface Stretch {
  /** When its first entry was appended, ms since the epoch. */
  firstAt: number
  end: Checkpoint
  /** By rule. */
  holdings: Map<string, Holding>
}

/**
 * How much stands where, by rule, so that a log of which little is to be removed is not read whole each time. It reads
 * each entry once, and again only to remove of its page.
 */
export class PageIndex {
  readonly #storage: Storage
  readonly #ruleOf: (entry: Entry) => string
  #pages: Stretch[] = []
  #readUpTo: Checkpoint | undefined

  constructor(storage: Storage, ruleOf: (entry: Entry) => string) {
    this.#storage = storage
    this.#ruleOf = ruleOf
  }

  get pages(): readonly Stretch[] {
    return this.#pages
  }

  /** Takes up what was appended since, up to a place. */
  async readOn(to: NonNullable<ReadRange['to']>, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      const from = this.#readUpTo === undefined ? 'start' : { after: this.#readUpTo }
      const { entries, position } = await this.#storage.log.read({ from, to, limit: PAGE })
      const [first] = entries
      if (first === undefined) return
      this.#pages.push({ firstAt: first.appendedAt, end: position, holdings: holdingsOf(this.#ruled(entries)) })
      this.#readUpTo = position
      // A log that answers synchronously would keep everybody else waiting until it is read.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** What there is by rule. */
  totals(): Map<string, Holding> {
    const totals = new Map<string, Holding>()
    for (const { holdings } of this.#pages) addTo(totals, holdings)
    return totals
  }

  get length(): number {
    return this.#pages.reduce((sum, { holdings }) => sum + countOf(holdings), 0)
  }

  /** Counts anew, from the beginning on, until there are no more than `length`: somebody else removed some. */
  async recount(length: number, signal?: AbortSignal): Promise<void> {
    let excess = this.length - length
    for (const [at, page] of this.#pages.entries()) {
      if (excess <= 0) return
      signal?.throwIfAborted()
      const before = countOf(page.holdings)
      await this.read(at)
      excess -= before - countOf(page.holdings)
    }
  }

  /** What stands in a page now; its holdings are counted anew. */
  async read(at: number): Promise<RuledEntry[]> {
    const page = this.#pages[at] as Stretch
    const before = this.#pages[at - 1]
    const from = before === undefined ? 'start' : { after: before.end }
    const stretch = await this.#storage.log.read({ from, to: { checkpoint: page.end }, limit: PAGE })
    const entries = this.#ruled(stretch.entries)
    page.holdings = holdingsOf(entries)
    page.firstAt = entries[0]?.appendedAt ?? page.firstAt
    return entries
  }

  /** Puts together neighbours of which little is left. */
  compact(): void {
    const compacted: Stretch[] = []
    for (const page of this.#pages) {
      const before = compacted.at(-1)
      if (before !== undefined && countOf(before.holdings) + countOf(page.holdings) <= PAGE) {
        addTo(before.holdings, page.holdings)
        before.end = page.end
      } else compacted.push(page)
    }
    this.#pages = compacted
  }

  #ruled(entries: readonly Entry[]): RuledEntry[] {
    return entries.map((entry) => ({
      messageId: entry.messageId,
      appendedAt: entry.appendedAt,
      rule: this.#ruleOf(entry),
      count: 1,
      bytes: Buffer.byteLength(entry.payload ?? '')
    }))
  }
}

function holdingsOf(entries: readonly RuledEntry[]): Map<string, Holding> {
  const holdings = new Map<string, Holding>()
  for (const { rule, count, bytes } of entries) addTo(holdings, [[rule, { count, bytes }]])
  return holdings
}

function addTo(sum: Map<string, Holding>, holdings: Iterable<readonly [string, Holding]>): void {
  for (const [rule, { count, bytes }] of holdings) {
    const before = sum.get(rule)
    if (before === undefined) sum.set(rule, { count, bytes })
    else {
      before.count += count
      before.bytes += bytes
    }
  }
}

function countOf(holdings: ReadonlyMap<string, Holding>): number {
  let count = 0
  for (const holding of holdings.values()) count += holding.count
  return count
}
