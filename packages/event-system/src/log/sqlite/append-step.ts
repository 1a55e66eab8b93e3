import type { StreamVersion } from '@tradpal/events'
import type { AppendEntry } from '../port.ts'
import type { Connection } from './connection.ts'
import type { Labels } from './labels.ts'
import { IDS_PER_MS, timeOf } from './message-id.ts'
import type { RecentIds } from './recent-ids.ts'
import type { Placed, StreamVersions, VersionConflict } from './stream-versions.ts'

const STATE = 'SELECT last_id, added FROM state'
const INSERT = 'INSERT INTO entries (id, ordinal, label, event_time, payload) VALUES (?, ?, ?, ?, ?)'
const GROW = 'UPDATE state SET last_id = ?, added = ?, bytes = bytes + ?'

/** What appends share inside one step of the connection. */
export interface AppendParts {
  readonly connection: Connection
  readonly recent: RecentIds
  readonly versions: StreamVersions
  readonly labels: Labels
  /** Event ids before this message id are new again. */
  readonly horizon: number
}

/**
 * The appends of one step of the connection. Event ids that the step appends are known here alone until the step is committed, so
 * that memory never has one that was rolled back.
 */
export class AppendStep {
  readonly #parts: AppendParts
  readonly #ids = new Map<string, number>()

  constructor(parts: AppendParts) {
    this.#parts = parts
    parts.connection.afterCommit(() => parts.recent.add(this.#ids))
  }

  /** Appends, and counts up the stream keys. A conflict has appended nothing. */
  append(entries: readonly AppendEntry[], expected: readonly StreamVersion[]): Placed[] | VersionConflict {
    const conflict = this.#parts.versions.conflict(expected)
    if (conflict !== undefined && entries.some(({ eventId }) => this.#find(eventId) === undefined)) return conflict
    return this.#parts.versions.count(entries, this.place(entries))
  }

  /** Appends without counting. */
  place(entries: readonly AppendEntry[]): Placed[] {
    const { connection } = this.#parts
    const state = connection.statement(STATE).get()
    const added = Number(state?.added)
    const now = Math.floor(connection.options.clock.now())
    const firstId = Math.max(now * IDS_PER_MS, Number(state?.last_id) + 1)
    const fresh: AppendEntry[] = []
    const placed = entries.map((entry): Placed => {
      const known = this.#find(entry.eventId)
      if (known !== undefined) return { id: known, duplicate: true }
      const id = firstId + fresh.length
      fresh.push(entry)
      if (this.#deduplicates) this.#ids.set(entry.eventId, id)
      return { id, duplicate: false }
    })
    if (fresh.length > 0) this.#insert(fresh, firstId, added + 1)
    return placed
  }

  /** How many event ids the step has appended. */
  get size(): number {
    return this.#ids.size
  }

  /** Forgets what was appended since the step had this size: it was rolled back. */
  rollBackTo(size: number): void {
    for (const eventId of [...this.#ids.keys()].slice(size)) this.#ids.delete(eventId)
  }

  #find(eventId: string): number | undefined {
    if (!this.#deduplicates) return undefined
    return this.#ids.get(eventId) ?? this.#parts.recent.find(eventId, this.#parts.horizon)
  }

  #insert(entries: readonly AppendEntry[], firstId: number, firstOrdinal: number): void {
    const insert = this.#parts.connection.statement(INSERT)
    let bytes = 0
    for (const [i, entry] of entries.entries()) {
      const { payload, eventTime = timeOf(firstId + i) } = entry
      insert.run(firstId + i, firstOrdinal + i, this.#parts.labels.numberOf(entry), eventTime, payload)
      bytes += Buffer.byteLength(payload)
    }
    const last = entries.length - 1
    this.#parts.connection.statement(GROW).run(firstId + last, firstOrdinal + last, bytes)
    if (this.#deduplicates) this.#parts.recent.insert(entries, firstId, firstOrdinal)
  }

  get #deduplicates(): boolean {
    return this.#parts.connection.options.deduplicationWindowMs > 0
  }
}
