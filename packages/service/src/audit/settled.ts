import type { Principal } from '../access/index.ts'
import type { Actor, AuditDraft } from './entry.ts'

/** Of events that became dead letters, this many message ids stand in one entry. */
const MOST_DEAD = 100

/** Deliveries that one request settled, or was to settle. */
export interface Settling {
  readonly group: string
  /** How many became what: `acknowledged`, `returned`, `dead`, `extended`, `lost`; of a request that failed, `deliveries`. */
  readonly counts: Readonly<Record<string, number>>
  /** The message ids of its first and its last delivery. */
  readonly first: string | undefined
  readonly last: string | undefined
  /** The message ids of those that became dead letters. */
  readonly dead: readonly string[]
  /** Of a request that failed. */
  readonly code?: string
}

interface Sum {
  readonly who: Principal
  readonly group: string
  readonly code: string | undefined
  readonly counts: Record<string, number>
  readonly dead: string[]
  requests: number
  readonly first: string | undefined
  last: string | undefined
}

/** Counts who settled deliveries, by group and by the code of what failed: a consumer settles too often for an entry each. */
export class SettledDeliveries {
  readonly #sums = new Map<Principal, Map<string, Sum>>()

  add(who: Principal, { group, counts, first, last, dead, code }: Settling): void {
    const sum = this.#sumOf(who, group, code, first)
    sum.requests++
    sum.last = last
    for (const [name, count] of Object.entries(counts)) sum.counts[name] = (sum.counts[name] ?? 0) + count
    sum.dead.push(...dead.slice(0, MOST_DEAD - sum.dead.length))
  }

  /** What is to be written now, and forgets it. */
  take(at: number): AuditDraft[] {
    const sums = [...this.#sums.values()].flatMap((ofOne) => [...ofOne.values()])
    this.#sums.clear()
    return sums.map((sum) => draftOf(sum, at))
  }

  #sumOf(who: Principal, group: string, code: string | undefined, first: string | undefined): Sum {
    const ofOne = this.#sums.get(who) ?? new Map<string, Sum>()
    this.#sums.set(who, ofOne)
    const key = `${code ?? ''} ${group}`
    const known = ofOne.get(key)
    if (known !== undefined) return known
    const sum: Sum = { who, group, code, counts: {}, dead: [], requests: 0, first, last: first }
    ofOne.set(key, sum)
    return sum
  }
}

function draftOf({ who, group, code, counts, dead, requests, first, last }: Sum, at: number): AuditDraft {
  const { name: principal, proof, keyId } = who
  const actor: Actor = { principal, proof, ...(keyId === undefined ? {} : { keyId }) }
  const ids = { first: first ?? null, last: last ?? null, ...(dead.length === 0 ? {} : { dead_ids: dead }) }
  const what = { group, requests, ...counts, ...ids }
  const draft = { ...actor, at, action: 'deliveries.settled', what } as const
  return code === undefined ? { ...draft, outcome: 'done' } : { ...draft, outcome: 'failed', code }
}
