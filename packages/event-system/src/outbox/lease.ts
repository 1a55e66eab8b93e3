import { type Clock, newEventId } from '@tradpal/events'
import type { LeaseRow, OutboxStore } from './store.ts'

/** A holder gives a sign of life after this part of its lease, and who waits for its end looks as often. */
const PART = 5

export interface LeaseParts {
  readonly store: Pick<OutboxStore<never, unknown>, 'lease' | 'moveLease'>
  readonly clock: Clock
  readonly leaseMs: number
}

/**
 * Which relay of a table is the one that publishes. It knows no time that two machines would have to agree on: a holder
 * changes the row again and again, and who has seen it unchanged for the whole lease, by its own clock, takes it over.
 * The holder counts from before its change, the other from after it, so the holder is the first to think that it is over.
 */
export class Lease {
  readonly lookAgainMs: number
  readonly #parts: LeaseParts
  readonly #name = newEventId()
  #held: { readonly beat: number; readonly since: number } | undefined
  #seen: { readonly beat: number; readonly since: number } | undefined

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.lookAgainMs = parts.leaseMs / PART
  }

  /** Whether nobody else can have taken it over. */
  get isHeld(): boolean {
    return this.#held !== undefined && this.#parts.clock.now() < this.#held.since + this.#parts.leaseMs
  }

  /** Takes the lease if it is free, and gives a sign of life if it is time for one. Resolves to whether it is held. */
  async hold(): Promise<boolean> {
    const now = this.#parts.clock.now()
    if (this.#held !== undefined && now < this.#held.since + this.lookAgainMs) return true
    if (this.#held !== undefined && (await this.#take(this.#held.beat))) return true
    const row = await this.#parts.store.lease()
    if (row !== undefined && !this.#isFree(row)) return false
    return this.#take(row?.beat ?? 0)
  }

  /** Leaves the lease to the next, who need not wait for its end. */
  async release(): Promise<void> {
    const { store, leaseMs } = this.#parts
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) await store.moveLease(held.beat, '', leaseMs)
  }

  /** The row names us when the answer to our own change was lost. */
  #isFree({ holder, beat, leaseMs }: LeaseRow): boolean {
    if (holder === '' || holder === this.#name) return true
    const now = this.#parts.clock.now()
    if (this.#seen?.beat !== beat) this.#seen = { beat, since: now }
    return now >= this.#seen.since + leaseMs
  }

  async #take(beat: number): Promise<boolean> {
    const { store, clock, leaseMs } = this.#parts
    const since = clock.now()
    const taken = await store.moveLease(beat, this.#name, leaseMs)
    this.#held = taken === undefined ? undefined : { beat: taken, since }
    return taken !== undefined
  }
}
