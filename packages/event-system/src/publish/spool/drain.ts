import { backoffMs, type Clock, EventSystemError } from '@tradpal/events'
import {
  conflictsAmong,
  type EventCodec,
  type RepeatedEntry,
  repeatedAmong,
  type TextVault
} from '../../codec/index.ts'
import type { AppendEntry, AppendResult, Entry, Fence, MessageId, Storage } from '../../log/index.ts'
import { type Logger, pause } from '../../runtime/index.ts'
import type { Circuit } from '../circuit.ts'
import { together, type UnknownOutcome } from '../parcel.ts'
import { reportPublished } from '../report.ts'
import type { SpoolContents } from './contents.ts'
import { type Found, findInLog } from './find-in-log.ts'
import { decodeRecord, RECORD, type SpoolRecord } from './record.ts'
import type { RefusedEvents } from './refused.ts'

/** The cursor of the store that stands behind what was taken up. */
export const CURSOR = 'drain'
/** So many records are taken up at once, and so many events appended, at most. */
const PAGE = 1_000
const BACKOFF = { initialMs: 50, maxMs: 500 }
/** Beyond the time of an append: what may be in the log is looked for there when it would be recognised no longer than that. */
const MARGIN_MS = 5_000

export interface DrainParts {
  readonly store: Storage
  /** What shows the store that it is this process's still. */
  readonly fence: () => Fence
  /** Throws when the store may be another's by now. */
  readonly mustBeOurs: () => void
  readonly target: {
    readonly storage: Storage
    readonly codec: EventCodec
    readonly circuit: Circuit
    readonly deduplicationWindowMs: number
    readonly timeoutMs: number
  }
  readonly contents: SpoolContents
  /** Where events go that the log has another event for. */
  readonly refused: RefusedEvents
  readonly vault: TextVault | undefined
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
  readonly stop: AbortSignal
}

interface Taken {
  readonly messageId: MessageId
  readonly spooledAt: number
  readonly record: SpoolRecord
  unknown: UnknownOutcome | undefined
}

/**
 * Brings what is in the spool into the log: in order, a batch at a time, each until the log has it. An event whose id stands for
 * another event in the log is moved to the refused ones, and the rest goes on.
 */
export class Drain {
  readonly #parts: DrainParts
  #drained = 0
  #woken = Promise.withResolvers<void>()

  constructor(parts: DrainParts) {
    this.#parts = parts
  }

  /** How many events it has brought into the log. */
  get drained(): number {
    return this.#drained
  }

  /** There is something to drain. */
  wake(): void {
    this.#woken.resolve()
  }

  /** Resolves when it is stopped. */
  async run(): Promise<void> {
    const { stop, logger, clock } = this.#parts
    stop.addEventListener('abort', () => this.wake(), { once: true })
    while (!stop.aborted) {
      try {
        await this.#drain()
        await this.#woken.promise
        this.#woken = Promise.withResolvers()
      } catch (error) {
        if (stop.aborted) return
        logger.error({ err: error }, 'the spool could not be drained; it is tried again')
        await pause(clock, BACKOFF.maxMs, stop)
      }
    }
  }

  /** All that is there: what is done with is removed, so that it begins at the start each time. */
  async #drain(): Promise<void> {
    const { store, stop } = this.#parts
    const cursor = await store.cursors.get(CURSOR)
    if (cursor === undefined) throw new EventSystemError('not_found', `The spool at ${store.location} has no cursor.`)
    for (;;) {
      const { entries } = await store.log.read({ limit: PAGE, eventTypes: [RECORD] })
      for (const batch of batchesOf(entries.map((entry) => this.#taken(entry, cursor.position)))) {
        if (stop.aborted) return
        await this.#bring(batch)
      }
      if (entries.length === 0) return
    }
  }

  /** What was taken up before, by a process that died or in a call that failed, may have come into the log. */
  #taken({ messageId, appendedAt: spooledAt, payload }: Entry, lastTaken: MessageId): Taken {
    const { store, clock, vault } = this.#parts
    const record = decodeRecord(payload, vault)
    // The store of a spool is an embedded log: its order is total.
    const isNew = (store.log.compare(messageId, lastTaken) as number) > 0
    if (isNew) return { messageId, spooledAt, record, unknown: record.unknown }
    const sinceThen = { sentAt: spooledAt, until: clock.now() }
    return { messageId, spooledAt, record, unknown: together(record.unknown, sinceThen) }
  }

  /**
   * Notes that it is taken up, brings it into the log, however often that fails, and removes it. A crash at any place of this leaves
   * the records in the spool: they are taken up again, and what is done already changes nothing.
   */
  async #bring(batch: readonly Taken[]): Promise<void> {
    const { store, contents, stop, logger, target } = this.#parts
    await this.#moveTo((batch.at(-1) as Taken).messageId)
    const repeated = await this.#untilDone(() => this.#append(batch))
    // Apart from the append: what the log has must not be appended again, however long this takes.
    const conflicts = repeated && (await this.#untilDone(() => conflictsAmong(repeated, target)))
    if (conflicts === undefined || stop.aborted) return
    await this.#refuse(batch, conflicts)
    await store.log.remove(batch.map(({ messageId }) => messageId))
    for (const { record } of batch) contents.remove(record)
    const events = batch.reduce((sum, { record }) => sum + record.entries.length, 0)
    this.#drained += events - conflicts.length
    if (contents.isEmpty) logger.info({ drained: this.#drained }, 'the spool is empty: all of it is in the log')
  }

  /** Rejects with `log_busy` when another process has the spool by now. */
  async #moveTo(to: MessageId): Promise<void> {
    const { store, fence } = this.#parts
    const [result] = await store.commit([{ fence: [fence()], cursors: [{ name: CURSOR, to }] }])
    if (result?.kind === 'committed') return
    throw new EventSystemError('log_busy', `Another process has the spool at ${store.location} now.`)
  }

  /** Resolves to undefined when it is stopped before. */
  async #untilDone<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const { contents, stop, clock, random, logger, target, mustBeOurs } = this.#parts
    for (let failures = 0; !stop.aborted; ) {
      try {
        mustBeOurs()
        return await work()
      } catch (error) {
        if (failures++ === 0) logger.warn({ err: error, events: contents.events }, 'events wait in the spool')
        const pauseMs = backoffMs(failures, BACKOFF, random)
        await pause(clock, target.circuit.isClosed ? pauseMs : BACKOFF.maxMs / 2, stop)
      }
    }
    return undefined
  }

  /** Resolves to the entries whose event id the log had before. */
  async #append(batch: readonly Taken[]): Promise<RepeatedEntry[]> {
    const { storage, circuit, timeoutMs } = this.#parts.target
    const started = performance.now()
    const sentAt = this.#parts.clock.now()
    const found = await this.#foundInTheLog(batch)
    const entries = batch.flatMap(({ record }) => record.entries).filter((entry) => !found.has(entry))
    try {
      const results: AppendResult[] =
        entries.length === 0 ? [] : await circuit.run(() => storage.log.append(entries, { timeoutMs }))
      reportPublished(storage, entries, { results, at: 0 }, started)
      const others = [...found].filter(([, { isSame }]) => !isSame)
      return [...repeatedAmong(entries, results), ...others.map(([entry, { messageId }]) => ({ entry, messageId }))]
    } catch (error) {
      if (error instanceof EventSystemError && error.code === 'log_timeout') {
        for (const one of batch) one.unknown = together(one.unknown, { sentAt, until: this.#parts.clock.now() })
      }
      throw error
    }
  }

  /** Those that are there already although no answer said so, and that the log would not recognise any more. */
  async #foundInTheLog(batch: readonly Taken[]): Promise<ReadonlyMap<AppendEntry, Found>> {
    const { target, clock } = this.#parts
    const oldest = clock.now() - target.deduplicationWindowMs + target.timeoutMs + MARGIN_MS
    const doubtful = batch.filter(({ unknown }) => unknown !== undefined && unknown.sentAt < oldest)
    if (doubtful.length === 0) return NOTHING_FOUND
    const period = doubtful.map(({ unknown }) => unknown).reduce(together) as UnknownOutcome
    return findInLog(
      target,
      period,
      doubtful.flatMap(({ record }) => record.entries)
    )
  }

  async #refuse(batch: readonly Taken[], conflicts: readonly RepeatedEntry[]): Promise<void> {
    const { refused, logger } = this.#parts
    const events = conflicts.map(({ entry, messageId: firstMessageId }) => {
      const { messageId, spooledAt, record } = batch.find(({ record }) => record.entries.includes(entry)) as Taken
      return { entry, spoolId: messageId, spooledAt, index: record.entries.indexOf(entry), firstMessageId }
    })
    await refused.add(events)
    for (const { entry, firstMessageId } of events) {
      const { eventId, eventType } = entry
      logger.error(
        { eventId, eventType, messageId: firstMessageId },
        'an event of the spool was refused: its event id stands for another event in the log'
      )
    }
  }
}

const NOTHING_FOUND: ReadonlyMap<AppendEntry, Found> = new Map()

/** As many records as make up a page of events; what was published together is appended together. */
function batchesOf(taken: readonly Taken[]): Taken[][] {
  const batches: Taken[][] = []
  let entries = Number.POSITIVE_INFINITY
  for (const one of taken) {
    entries += one.record.entries.length
    if (entries <= PAGE) batches.at(-1)?.push(one)
    else {
      batches.push([one])
      entries = one.record.entries.length
    }
  }
  return batches
}
