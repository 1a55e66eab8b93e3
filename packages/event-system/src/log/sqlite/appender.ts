import { assertExpectedVersions, assertStreamKey, type StreamVersion, versionConflict } from '@tradpal/events'
import { assertEntries } from '../entry-terms.ts'
import type { AppendEntry, AppendResult } from '../port.ts'
import { AppendStep } from './append-step.ts'
import type { Connection } from './connection.ts'
import type { EntryIndex } from './entry-index.ts'
import { Labels } from './labels.ts'
import { formatMessageId, IDS_PER_MS } from './message-id.ts'
import { RecentIds } from './recent-ids.ts'
import { type Placed, StreamVersions } from './stream-versions.ts'

const STATE = 'SELECT last_id FROM state'

const PRUNE_EVERY_MS = 1_000
const PRUNE_EVERY_ENTRIES = 1_000

/** Appends entries, each event id once in the deduplication window. */
export class Appender {
  readonly #connection: Connection
  readonly #recent: RecentIds
  readonly #versions: StreamVersions
  readonly #labels: Labels
  readonly #index: EntryIndex
  #prunedAt = 0

  constructor(connection: Connection, index: EntryIndex) {
    this.#connection = connection
    this.#index = index
    this.#recent = new RecentIds(connection)
    this.#versions = new StreamVersions(connection)
    this.#labels = new Labels(connection)
  }

  async append(
    entries: readonly AppendEntry[],
    timeoutMs: number,
    expected: readonly StreamVersion[]
  ): Promise<AppendResult[]> {
    assertExpectedVersions(expected)
    if (entries.length === 0) return []
    assertEntries(entries)
    await this.approach()
    const placed = await this.#connection.write(() => {
      const result = this.begin().append(entries, expected)
      if ('index' in result) throw versionConflict(expected[result.index] as StreamVersion, result.actualVersion)
      return result
    }, timeoutMs)
    return placed.map(toAppendResult)
  }

  /** Rejects with `invalid_argument`. */
  async versionOf(streamKey: string): Promise<number> {
    return this.#connection.read(() => {
      assertStreamKey(streamKey)
      return this.#versions.of(streamKey)
    })
  }

  /** Takes in what others appended, so that {@link begin} has little left to look at. */
  async approach(): Promise<void> {
    await this.#recent.approach(this.#horizon(this.#connection.options.clock.now()))
  }

  /** The appends of a step of the connection. To be called inside it, once in a step. */
  begin(): AppendStep {
    this.#connection.assertFileStands()
    const lastId = Number(this.#connection.statement(STATE).get()?.last_id)
    const now = Math.floor(this.#connection.options.clock.now())
    const horizon = this.#horizon(Math.max(now, Math.floor((lastId + 1) / IDS_PER_MS)))
    this.#recent.catchUp(horizon, lastId)
    this.#prune(horizon)
    this.#index.grow()
    this.#labels.begin()
    const [connection, recent, versions, labels] = [this.#connection, this.#recent, this.#versions, this.#labels]
    return new AppendStep({ connection, recent, versions, labels, horizon })
  }

  #prune(horizon: number): void {
    const now = performance.now()
    if (this.#recent.insertedSincePrune < PRUNE_EVERY_ENTRIES && now - this.#prunedAt < PRUNE_EVERY_MS) return
    this.#recent.forget(horizon)
    this.#prunedAt = now
  }

  #horizon(nowMs: number): number {
    return Math.max(0, Math.floor(nowMs - this.#connection.options.deduplicationWindowMs) * IDS_PER_MS)
  }
}

export function toAppendResult({ id, duplicate, version }: Placed): AppendResult {
  const messageId = formatMessageId(id)
  return version === undefined ? { messageId, duplicate } : { messageId, duplicate, version }
}
