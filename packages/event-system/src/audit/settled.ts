import type { Principal } from '../access/index.ts'
import type { Actor, AuditDraft } from './entry.ts'

/** The most message ids of dead letters in one entry. */
const MOST_DEAD = 100

/** The deliveries of one request that were settled, or failed to be. */
export interface Settling {
  readonly group: string
  /** The number of deliveries by how they were settled: `acknowledged`, `returned`, `dead`, `extended`, `lost`; for a request that failed, `deliveries`. */
  readonly counts: Readonly<Record<string, number>>
  /** The message ids of its first and its last delivery. */
  readonly first: string | undefined
  readonly last: string | undefined
  /** The message ids of the deliveries that became dead letters. */
  readonly dead: readonly string[]
  /** The error code of a request that failed. */
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

/** Counts settled deliveries by principal, group and error code: a consumer settles too often for an entry each. */
export class SettledDeliveries {
  readonly #sums = new Map<Principal, Map<string, Sum>>()

  add(who: Principal, { group, counts, first, last, dead, code }: Settling): void {
    const sum = this.#sumOf(who, group, code, first)
    sum.requests++
    sum.last = last
    for (const [name, count] of Object.entries(counts)) sum.counts[name] = (sum.counts[name] ?? 0) + count
    sum.dead.push(...dead.slice(0, MOST_DEAD - sum.dead.length))
  }

  /** The entries that are due, which are then forgotten. */
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
