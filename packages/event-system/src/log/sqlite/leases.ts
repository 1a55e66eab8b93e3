import { assertLeases, assertLeaseTerms, FORGET_LEASE_MS } from '../lease-terms.ts'
import type { Fence, Lease, Leases, LeaseTerms } from '../port.ts'
import type { Connection } from './connection.ts'

const FIND = 'SELECT holder, token, ends_at FROM leases WHERE name = ?'
const TAKE = `
  INSERT INTO leases (name, holder, token, ends_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, ends_at = excluded.ends_at`
const END = "UPDATE leases SET holder = '', ends_at = ? WHERE name = ? AND holder = ?"
const FORGET = 'DELETE FROM leases WHERE ends_at < ?'
const STANDS = "SELECT 1 FROM leases WHERE name = ? AND token = ? AND holder <> ''"
const HELD = `
  SELECT name, holder, token, ends_at FROM leases
  WHERE substr(name, 1, length(?1)) = ?1 AND ends_at > ?2 ORDER BY name`

/** Leases, in a table. Their time is the clock of the log's options, which is that of the machine. */
export class SqliteLeases implements Leases {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async acquire(names: readonly string[], terms: LeaseTerms): Promise<(number | undefined)[]> {
    assertLeaseTerms(names, terms)
    if (names.length === 0) return []
    return this.#connection.write(() => names.map((name) => this.#take(name, terms)))
  }

  #take(name: string, { holder, ttlMs }: LeaseTerms): number | undefined {
    const now = this.#now()
    const found = this.#connection.statement(FIND).get(name)
    const isOwn = found?.holder === holder
    if (found !== undefined && !isOwn && Number(found.ends_at) > now) return undefined
    if (found === undefined) this.#connection.statement(FORGET).run(now - FORGET_LEASE_MS)
    const fromClock = now * 1_000
    const token = isOwn ? Number(found.token) : Math.max(Number(found?.token ?? 0) + 1, fromClock)
    this.#connection.statement(TAKE).run(name, holder, token, now + ttlMs)
    return token
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    assertLeases(names, holder)
    if (names.length === 0) return
    await this.#connection.write(() => {
      for (const name of names) this.#connection.statement(END).run(this.#now(), name, holder)
    })
  }

  list(prefix: string): Promise<Lease[]> {
    return this.#connection.read(() => {
      const now = this.#now()
      const rows = this.#connection.statement(HELD).all(prefix, now)
      return rows.map(({ name, holder, token, ends_at }) => ({
        name: String(name),
        holder: String(holder),
        token: Number(token),
        expiresInMs: Number(ends_at) - now
      }))
    })
  }

  /** To be called inside a step of the connection. */
  stands({ lease, token }: Fence): boolean {
    return this.#connection.statement(STANDS).get(lease, token) !== undefined
  }

  #now(): number {
    return Math.floor(this.#connection.options.clock.now())
  }
}
