import { randomUUID } from 'node:crypto'
import type { Leases, Storage, Unit } from '../../port.ts'

/** The name of the lease of the process that indexes a log, and of the cursor that says how far the index has come. */
export const INDEX = 'index'
/** How long the lease lasts, in ms. It is renewed after a third of that. */
const TTL_MS = 6_000

/** The parts of a unit that changes an index. */
export type IndexUnit = Pick<Unit, 'cursors' | 'write'>

/** Commits a unit that holds only under this token of the lease. Resolves to false, nothing changed, when it was refused. */
export async function commitUnderLease(
  storage: Pick<Storage, 'commit'>,
  token: number,
  unit: IndexUnit
): Promise<boolean> {
  const [result] = await storage.commit([{ fence: [{ lease: INDEX, token }], ...unit }])
  return result?.kind === 'committed'
}

/** The right to index a log: one process has it. */
export class IndexLease {
  readonly #leases: Leases
  readonly #holder = randomUUID()
  #token: number | undefined
  #takenAt = Number.NEGATIVE_INFINITY

  constructor(leases: Leases) {
    this.#leases = leases
  }

  /** Takes it, or keeps it. Resolves to its token, and to `undefined` while another process has it. */
  async take(): Promise<number | undefined> {
    const now = performance.now()
    if (this.#token !== undefined && now - this.#takenAt < TTL_MS / 3) return this.#token
    ;[this.#token] = await this.#leases.acquire([INDEX], { holder: this.#holder, ttlMs: TTL_MS })
    this.#takenAt = now
    return this.#token
  }

  /** Gives it to the next who asks. */
  async release(): Promise<void> {
    if (this.#token === undefined) return
    this.#token = undefined
    await this.#leases.release([INDEX], this.#holder)
  }
}
