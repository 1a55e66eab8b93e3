import { assertExpectedVersions, assertStreamKey, type StreamVersion } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../port.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, IDS_PER_MS } from './message-id.ts'
import { RecentIds } from './recent-ids.ts'
import { type Placed, StreamVersions } from './stream-versions.ts'

const STATE = 'SELECT last_id, added FROM state'
const INSERT = 'INSERT INTO entries (id, ordinal, event_type, payload) VALUES (?, ?, ?, ?)'
const GROW = 'UPDATE state SET last_id = ?, added = ?, bytes = bytes + ?'

const PRUNE_EVERY_MS = 1_000
const PRUNE_EVERY_ENTRIES = 1_000

/** Appends entries, each event id once in the deduplication window. */
export class Appender {
  readonly #connection: Connection
  readonly #recent: RecentIds
  readonly #versions: StreamVersions
  #appendedSincePrune = 0
  #prunedAt = 0

  constructor(connection: Connection) {
    this.#connection = connection
    this.#recent = new RecentIds(connection)
    this.#versions = new StreamVersions(connection)
  }

  async append(
    entries: readonly AppendEntry[],
    timeoutMs: number,
    expected: readonly StreamVersion[]
  ): Promise<AppendResult[]> {
    assertExpectedVersions(expected)
    if (entries.length === 0) return []
    const counts = hasStreamKey(entries)
    await this.approach()
    const placed = await this.#connection.write(() => {
      const placed = this.place(entries, expected)
      return counts ? this.#versions.count(entries, placed) : placed
    }, timeoutMs)
    return placed.map(toResult)
  }

  /** Rejects with `invalid_argument`. */
  async versionOf(streamKey: string): Promise<number> {
    return this.#connection.read(() => {
      assertStreamKey(streamKey)
      return this.#versions.of(streamKey)
    })
  }

  /** Takes in what others appended, so that {@link place} has little left to look at. */
  async approach(): Promise<void> {
    await this.#recent.approach(this.#horizon(this.#connection.options.clock.now()))
  }

  /** Appends inside a step of the connection, once in a step. */
  place(entries: readonly AppendEntry[], expected: readonly StreamVersion[] = []): Placed[] {
    this.#connection.assertFileStands()
    const state = this.#connection.statement(STATE).get()
    const added = Number(state?.added)
    const lastId = Number(state?.last_id)
    const now = Math.floor(this.#connection.options.clock.now())
    const firstId = Math.max(now * IDS_PER_MS, lastId + 1)
    const horizon = this.#horizon(Math.floor(firstId / IDS_PER_MS))
    const inThisCall = new Map<string, number>()
    const fresh: AppendEntry[] = []
    this.#recent.catchUp(horizon, lastId)
    const placed = entries.map((entry): Placed => {
      const known = inThisCall.get(entry.eventId) ?? this.#recent.find(entry.eventId, horizon)
      if (known !== undefined && this.#deduplicates) return { id: known, duplicate: true }
      const id = firstId + fresh.length
      fresh.push(entry)
      inThisCall.set(entry.eventId, id)
      return { id, duplicate: false }
    })
    if (fresh.length > 0) {
      this.#versions.mustBe(expected)
      this.#insert(fresh, firstId, added + 1)
      if (this.#deduplicates) this.#recent.insert(fresh, firstId, added + 1)
    }
    this.#prune(horizon, fresh.length)
    return placed
  }

  #insert(entries: readonly AppendEntry[], firstId: number, firstOrdinal: number): void {
    const insert = this.#connection.statement(INSERT)
    let bytes = 0
    for (const [i, { eventType, payload }] of entries.entries()) {
      insert.run(firstId + i, firstOrdinal + i, eventType, payload)
      bytes += Buffer.byteLength(payload)
    }
    const last = entries.length - 1
    this.#connection.statement(GROW).run(firstId + last, firstOrdinal + last, bytes)
  }

  #prune(horizon: number, fresh: number): void {
    const now = performance.now()
    this.#appendedSincePrune += fresh
    if (this.#appendedSincePrune < PRUNE_EVERY_ENTRIES && now - this.#prunedAt < PRUNE_EVERY_MS) return
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

/** Throws `invalid_argument`. */
function hasStreamKey(entries: readonly AppendEntry[]): boolean {
  let counts = false
  for (const { streamKey } of entries) {
    if (streamKey === undefined) continue
    assertStreamKey(streamKey)
    counts = true
  }
  return counts
}

function toResult({ id, duplicate, version }: Placed): AppendResult {
  const messageId = formatMessageId(id)
  return version === undefined ? { messageId, duplicate } : { messageId, duplicate, version }
}
