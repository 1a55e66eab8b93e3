import type { AppendEntry, AppendResult } from '../port.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, IDS_PER_MS } from './message-id.ts'
import { RecentEventIds } from './recent-event-ids.ts'

const STATE = 'SELECT last_id, added FROM state'
const INSERT_ENTRY = 'INSERT INTO entries (id, ordinal, event_type, payload) VALUES (?, ?, ?, ?)'
const INSERT_RECENT = 'INSERT INTO recent (id, ordinal, event_id) VALUES (?, ?, ?)'
const GROW = 'UPDATE state SET last_id = ?, added = ?, bytes = bytes + ?'
/** At most so many of the oldest: a prune is as short as the appends that pay for it. */
const PRUNE_RECENT = `
  DELETE FROM recent WHERE id < ?1 AND id <= coalesce((SELECT id FROM recent ORDER BY id LIMIT 1 OFFSET ?2), ?1)`

const PRUNE_EVERY_MS = 1_000
const PRUNE_EVERY_ENTRIES = 1_000

interface Placed {
  readonly id: number
  readonly duplicate: boolean
}

/** Appends entries, each event id once in the deduplication window. */
export class Appender {
  readonly #connection: Connection
  readonly #recent: RecentEventIds
  #appendedSincePrune = 0
  #prunedAt = 0

  constructor(connection: Connection) {
    this.#connection = connection
    this.#recent = new RecentEventIds(connection)
  }

  async append(entries: readonly AppendEntry[], timeoutMs: number): Promise<AppendResult[]> {
    if (entries.length === 0) return []
    const { clock } = this.#connection.options
    await this.#recent.approach(this.#horizon(clock.now()))
    const placed = await this.#connection.write(() => this.#place(entries), timeoutMs)
    this.#remember(entries, placed)
    return placed.map(({ id, duplicate }) => ({ messageId: formatMessageId(id), duplicate }))
  }

  #place(entries: readonly AppendEntry[]): Placed[] {
    const state = this.#connection.statement(STATE).get()
    const added = Number(state?.added)
    const now = Math.floor(this.#connection.options.clock.now())
    const firstId = Math.max(now * IDS_PER_MS, Number(state?.last_id) + 1)
    const horizon = this.#horizon(Math.floor(firstId / IDS_PER_MS))
    const insertEntry = this.#connection.statement(INSERT_ENTRY)
    const insertRecent = this.#connection.statement(INSERT_RECENT)
    const inThisCall = new Map<string, number>()
    let fresh = 0
    let bytes = 0
    this.#recent.catchUp()
    const placed = entries.map(({ eventId, eventType, payload }): Placed => {
      const known = this.#deduplicates
        ? (inThisCall.get(eventId) ?? this.#recent.find(eventId, horizon))
        : undefined
      if (known !== undefined) return { id: known, duplicate: true }
      const id = firstId + fresh
      fresh += 1
      bytes += Buffer.byteLength(payload)
      insertEntry.run(id, added + fresh, eventType, payload)
      if (this.#deduplicates) {
        insertRecent.run(id, added + fresh, eventId)
        inThisCall.set(eventId, id)
      }
      return { id, duplicate: false }
    })
    if (fresh > 0) this.#connection.statement(GROW).run(firstId + fresh - 1, added + fresh, bytes)
    this.#prune(horizon, fresh)
    return placed
  }

  #remember(entries: readonly AppendEntry[], placed: readonly Placed[]): void {
    if (!this.#deduplicates) return
    placed.forEach(({ id, duplicate }, index) => {
      if (!duplicate) this.#recent.add(entries[index]?.eventId ?? '', id)
    })
  }

  #prune(horizon: number, fresh: number): void {
    const now = performance.now()
    this.#appendedSincePrune += fresh
    if (this.#appendedSincePrune < PRUNE_EVERY_ENTRIES && now - this.#prunedAt < PRUNE_EVERY_MS) return
    this.#connection.statement(PRUNE_RECENT).run(horizon, 2 * this.#appendedSincePrune + PRUNE_EVERY_ENTRIES)
    this.#recent.forget(horizon)
    this.#appendedSincePrune = 0
    this.#prunedAt = now
  }

  get #deduplicates(): boolean {
    return this.#connection.options.deduplicationWindowMs > 0
  }

  #horizon(nowMs: number): number {
    return Math.max(0, Math.floor(nowMs - this.#connection.options.deduplicationWindowMs) * IDS_PER_MS)
  }
}
