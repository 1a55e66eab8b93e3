import { assertLeases, assertLeaseTerms, FORGET_LEASE_MS } from '../lease-terms.ts'
import type { Lease, Leases, LeaseTerms } from '../port.ts'
import type { Connection } from './connection.ts'
import { runScript } from './scripts.ts'

/** Leases, in one hash: see scripts/acquire-leases-1.lua. Their time is the server's. */
export class RedisLeases implements Leases {
  readonly #connection: Connection
  readonly #key: string

  constructor(connection: Connection, key: string) {
    this.#connection = connection
    this.#key = key
  }

  async acquire(names: readonly string[], terms: LeaseTerms): Promise<(number | undefined)[]> {
    assertLeaseTerms(names, terms)
    if (names.length === 0) return []
    const args = [terms.holder, String(terms.ttlMs), String(FORGET_LEASE_MS), ...names]
    const tokens = await runScript<(number | null)[]>(this.#connection, 'acquireLeases', [this.#key], args)
    return tokens.map((token) => token ?? undefined)
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    assertLeases(names, holder)
    if (names.length > 0) await runScript(this.#connection, 'releaseLeases', [this.#key], [holder, ...names])
  }

  async list(prefix: string): Promise<Lease[]> {
    const [fields, time] = await Promise.all([
      this.#connection.read<string[]>(['HGETALL', this.#key]),
      this.#connection.read<[string, string]>(['TIME'])
    ])
    const now = Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000)
    const leases: Lease[] = []
    for (let i = 0; i < fields.length; i += 2) {
      const [name, text] = fields.slice(i, i + 2) as [string, string]
      const lease = leaseOf(name, text, now)
      if (name.startsWith(prefix) && lease.expiresInMs > 0) leases.push(lease)
    }
    return leases.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

function leaseOf(name: string, text: string, now: number): Lease {
  const [, token, endsAt, holder = ''] = /^(\d+) (\d+) (.*)$/s.exec(text) ?? []
  return { name, holder, token: Number(token), expiresInMs: Number(endsAt) - now }
}
