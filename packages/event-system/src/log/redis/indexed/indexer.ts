import { setTimeout as sleep } from 'node:timers/promises'
import { EventSystemError } from '@tradpal/events'
import type { Entry, Log, MessageId, Storage } from '../../port.ts'
import type { Connection } from '../connection.ts'
import type { Doorbell } from '../doorbell.ts'
import { EntryReader } from '../entry-reader.ts'
import type { LogKeys } from '../keys.ts'
import { timeOfMessageId } from '../message-id.ts'
import { IndexBuilder } from './builder.ts'
import { Catalogue } from './catalogue.ts'
import { IndexCutter } from './cutter.ts'
import { labelled } from './labelling.ts'
import { IndexLease } from './lease.ts'
import type { IndexOptions } from './options.ts'
import { IndexWriter } from './writer.ts'

/** The most entries, and the most minutes that they may be of, for one move of the cursor. */
const BATCH = 1_000
const BATCH_MINUTES = 100
/** {@link IndexOptions.segmentSize} */
const SEGMENT_SIZE = 8_192
/** How long entries are gathered that do not fill a batch, in ms. */
const GATHER_MS = 20
/** How often other processes look whether the lease is free, in ms. */
const WAIT_MS = 1_000
/** How long after a failure it is tried again, in ms. Another process may index meanwhile. */
const RETRY_MS = 2_000
/** How often the index is cut where entries are gone from the log, in ms. */
const CUT_EVERY_MS = 60_000

export interface IndexerParts {
  readonly connection: Connection
  readonly keys: LogKeys
  readonly doorbell: Doorbell
  readonly storage: { readonly log: Pick<Log, 'bounds'> } & Pick<
    Storage,
    'cursors' | 'collections' | 'commit' | 'leases'
  >
  readonly options: IndexOptions
}

/** The right to index, and what is done under it. */
interface Tenure {
  readonly builder: IndexBuilder
  readonly writer: IndexWriter
}

/**
 * Keeps the index of a log: one process at a time does, by a lease. It follows the log from a cursor, which moves in one unit with what is written
 * into the tail of the index and with the counts. So the next holder goes on where the last one stopped.
 */
export class Indexer {
  readonly #parts: IndexerParts
  readonly #reader: EntryReader
  readonly #lease: IndexLease
  readonly #cutter: IndexCutter
  readonly #ending = new AbortController()
  #running: Promise<void> | undefined
  #isTold = false
  #cutAt = Number.NEGATIVE_INFINITY

  constructor(parts: IndexerParts) {
    const { connection, keys, storage } = parts
    this.#parts = parts
    this.#reader = new EntryReader(connection, keys.stream)
    this.#lease = new IndexLease(storage.leases)
    this.#cutter = new IndexCutter({ connection, keys, storage, log: storage.log })
  }

  /** Idempotent. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when what is under way is done and the lease is given up, and at the latest in `timeoutMs`. Idempotent. */
  async stop(timeoutMs: number): Promise<void> {
    this.#ending.abort()
    const patience = new AbortController()
    const timeIsUp = sleep(timeoutMs, undefined, { signal: patience.signal }).catch(() => {})
    await Promise.race([this.#running, timeIsUp])
    patience.abort()
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      const waitMs = await this.#tenure().catch((error) => this.#failed(error))
      await this.#lease.release().catch(() => {}) // It ends by itself.
      await this.#pause(waitMs)
    }
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted
  }

  /** Indexes while this process has the lease. Resolves to how long to wait before it asks for it again. */
  async #tenure(): Promise<number> {
    const { connection, keys, storage, options } = this.#parts
    const { segmentSize = SEGMENT_SIZE } = options
    const token = await this.#lease.take()
    if (token === undefined) return WAIT_MS
    const builder = new IndexBuilder({ connection, keys, storage }, token)
    const catalogue = new Catalogue(storage.collections)
    const writer = new IndexWriter({ connection, keys, catalogue, storage, segmentSize }, token)
    let position = await builder.begin()
    if (!(await writer.open())) return GATHER_MS
    while (position !== undefined && !this.#isEnding) {
      if ((await this.#lease.take()) !== token) return WAIT_MS
      position = await this.#step({ builder, writer }, position)
      this.#isTold = false
    }
    return GATHER_MS
  }

  /** Resolves to the position behind which it goes on, and to `undefined` when that has to be looked up again. */
  async #step({ builder, writer }: Tenure, position: MessageId): Promise<MessageId | undefined> {
    const { doorbell, options } = this.#parts
    const newest = await doorbell.newest()
    const { entries } = await this.#reader.read({ from: { after: position }, limit: BATCH })
    const batch = entriesOfMinutes(entries, BATCH_MINUTES)
    const last = batch.at(-1)
    if (last === undefined) {
      if (await builder.isLost(position)) return undefined
      await this.#cutSometimes()
      await doorbell.wait(newest, WAIT_MS, this.#ending.signal)
      return position
    }
    if (!(await writer.add(position, batch, await labelled(options.labelsOf, batch)))) return undefined
    if (entries.length < BATCH) await this.#pause(GATHER_MS)
    return last.messageId
  }

  async #cutSometimes(): Promise<void> {
    if (performance.now() - this.#cutAt < CUT_EVERY_MS) return
    await this.#cutter.cut()
    this.#cutAt = performance.now()
  }

  /** Resolves to how long to wait. */
  #failed(error: unknown): number {
    if (!this.#isEnding && !this.#isTold) {
      this.#isTold = true
      const reason =
        error instanceof EventSystemError ? error : new EventSystemError('log_failed', String(error), { cause: error })
      this.#parts.options.onProblem?.(reason)
    }
    return RETRY_MS
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#ending.signal }).catch(() => {})
  }
}

/** The first entries, up to where one more minute begins: each minute is a document. */
function entriesOfMinutes(entries: readonly Entry[], most: number): readonly Entry[] {
  const minutes = new Set<number>()
  for (const [i, { messageId }] of entries.entries()) {
    minutes.add(Math.floor(timeOfMessageId(messageId) / 60_000))
    if (minutes.size > most) return entries.slice(0, i)
  }
  return entries
}
