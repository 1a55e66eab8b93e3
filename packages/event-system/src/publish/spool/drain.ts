import { backoffMs, type Clock, EventSystemError } from '@tradpal/events'
import type { TextVault } from '../../codec/index.ts'
import type { AppendEntry, AppendResult, ConsumerGroup, Entry, EventLog, MessageId } from '../../log/index.ts'
import { type Logger, pause } from '../../runtime/index.ts'
import type { Circuit } from '../circuit.ts'
import { together, type UnknownOutcome } from '../parcel.ts'
import { reportPublished } from '../report.ts'
import type { SpoolContents } from './contents.ts'
import { eventIdsIn } from './event-ids-in.ts'
import { decodeRecord, type SpoolRecord } from './record.ts'

/** So many records are taken up at once, and so many events appended, at most. */
const PAGE = 1_000
const BACKOFF = { initialMs: 50, maxMs: 500 }
/** Beyond the time of an append: what may be in the log is looked for there when it would be recognised no longer than that. */
const MARGIN_MS = 5_000

export interface DrainParts {
  readonly store: EventLog
  /** Stands behind what was taken up. */
  readonly group: ConsumerGroup
  /** Throws when the store may be another's by now. */
  readonly mustBeOurs: () => void
  readonly target: {
    readonly log: EventLog
    readonly circuit: Circuit
    readonly deduplicationWindowMs: number
    readonly timeoutMs: number
  }
  readonly contents: SpoolContents
  readonly vault: TextVault | undefined
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
  readonly stop: AbortSignal
}

interface Taken {
  readonly messageId: MessageId
  readonly record: SpoolRecord
  unknown: UnknownOutcome | undefined
}

/** Brings what is in the spool into the log: in order, a batch at a time, each until the log has it. */
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
    const { store, group, stop } = this.#parts
    const { lastDeliveredId } = await group.info()
    for (;;) {
      const page = await store.read({ limit: PAGE })
      for (const batch of batchesOf(page.map((entry) => this.#taken(entry, lastDeliveredId)))) {
        if (stop.aborted) return
        await this.#bring(batch)
      }
      if (page.length === 0) return
    }
  }

  /** What was taken up before, by a process that died or in a call that failed, may have come into the log. */
  #taken({ messageId, payload }: Entry, lastTaken: MessageId): Taken {
    const { store, clock, vault } = this.#parts
    const record = decodeRecord(payload, vault)
    if (store.compare(messageId, lastTaken) > 0) return { messageId, record, unknown: record.unknown }
    const sinceThen = { sentAt: store.timeOf(messageId), until: clock.now() }
    return { messageId, record, unknown: together(record.unknown, sinceThen) }
  }

  /** Notes that it is taken up, brings it into the log, however often that fails, and removes it. */
  async #bring(batch: readonly Taken[]): Promise<void> {
    const { group, store, contents, stop, clock, random, logger, target, mustBeOurs } = this.#parts
    await group.seek({ after: (batch.at(-1) as Taken).messageId })
    for (let failures = 0; !stop.aborted; ) {
      try {
        mustBeOurs()
        await this.#append(batch)
        break
      } catch (error) {
        if (failures++ === 0) logger.warn({ err: error, events: contents.events }, 'events wait in the spool')
        const pauseMs = backoffMs(failures, BACKOFF, random)
        await pause(clock, target.circuit.isClosed ? pauseMs : BACKOFF.maxMs / 2, stop)
      }
    }
    if (stop.aborted) return
    await store.remove(batch.map(({ messageId }) => messageId))
    for (const { record } of batch) contents.remove(record)
    if (contents.isEmpty) logger.info({ drained: this.#drained }, 'the spool is empty: all of it is in the log')
  }

  async #append(batch: readonly Taken[]): Promise<void> {
    const { log, circuit, timeoutMs } = this.#parts.target
    const started = performance.now()
    const sentAt = this.#parts.clock.now()
    const entries = await this.#notInTheLog(batch)
    try {
      const results: AppendResult[] =
        entries.length === 0 ? [] : await circuit.run(() => log.append(entries, { timeoutMs }))
      this.#drained += batch.reduce((sum, { record }) => sum + record.entries.length, 0)
      reportPublished(log, entries, { results, at: 0 }, started)
    } catch (error) {
      if (error instanceof EventSystemError && error.code === 'log_timeout') {
        for (const one of batch) one.unknown = together(one.unknown, { sentAt, until: this.#parts.clock.now() })
      }
      throw error
    }
  }

  /** Without those that are there already although no answer said so, and that the log would not recognise any more. */
  async #notInTheLog(batch: readonly Taken[]): Promise<AppendEntry[]> {
    const { target, clock } = this.#parts
    const oldest = clock.now() - target.deduplicationWindowMs + target.timeoutMs + MARGIN_MS
    const doubtful = batch.filter(({ unknown }) => unknown !== undefined && unknown.sentAt < oldest)
    const all = batch.flatMap(({ record }) => record.entries)
    if (doubtful.length === 0) return all
    const period = doubtful.map(({ unknown }) => unknown).reduce(together) as UnknownOutcome
    const wanted = new Set(doubtful.flatMap(({ record }) => record.entries.map(({ eventId }) => eventId)))
    const there = await eventIdsIn(target.log, period, wanted)
    return all.filter(({ eventId }) => !there.has(eventId))
  }
}

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
