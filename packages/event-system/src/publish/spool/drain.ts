import { backoffMs, type Clock, EventSystemError } from '@tradpal/events'
import type { EventCodec } from '../../codec/index.ts'
import type { AppendEntry, AppendResult, EventLog, ShardDelivery, ShardMember } from '../../log/index.ts'
import type { Logger } from '../../runtime/index.ts'
import type { Circuit } from '../circuit.ts'
import { together, type UnknownOutcome } from '../parcel.ts'
import { reportPublished } from '../report.ts'
import type { SpoolContents } from './contents.ts'
import { eventIdsIn } from './event-ids-in.ts'
import { decodeRecord, type SpoolRecord } from './record.ts'

/** So many records are taken up at once, and so many events appended, at most. */
const PAGE = 1_000
const BACKOFF = { initialMs: 50, maxMs: 500 }
/** An idle drain looks again after so long, in ms, in case a wake-up was lost. */
const WAIT_MS = 1_000
/** Beyond the time of an append: what may be in the log is looked for there when it would be recognised no longer than that. */
const MARGIN_MS = 5_000

export interface DrainParts {
  readonly store: EventLog
  readonly member: ShardMember
  readonly target: {
    readonly log: EventLog
    readonly codec: EventCodec
    readonly circuit: Circuit
    readonly deduplicationWindowMs: number
    readonly timeoutMs: number
  }
  readonly contents: SpoolContents
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
  readonly stop: AbortSignal
}

interface Taken {
  readonly delivery: ShardDelivery
  readonly record: SpoolRecord
  unknown: UnknownOutcome | undefined
}

/** Brings what is in the spool into the log: in order, a batch at a time, each until the log has it. */
export class Drain {
  readonly #parts: DrainParts
  #drained = 0

  constructor(parts: DrainParts) {
    this.#parts = parts
  }

  /** How many events it has brought into the log. */
  get drained(): number {
    return this.#drained
  }

  /** Resolves when it is stopped. */
  async run(): Promise<void> {
    const { member, stop, logger, clock } = this.#parts
    while (!stop.aborted) {
      try {
        const page = await member.read({ limit: PAGE, waitMs: WAIT_MS, signal: stop })
        for (const batch of batchesOf(page.map((delivery) => this.#taken(delivery)))) {
          if (!stop.aborted) await this.#bring(batch)
        }
      } catch (error) {
        if (stop.aborted) return
        logger.error({ err: error }, 'the spool could not be drained; it is tried again')
        await clock.sleep(BACKOFF.maxMs, stop).catch(() => {})
      }
    }
  }

  /** What was handed out before, to a process that died, may have come into the log. */
  #taken(delivery: ShardDelivery): Taken {
    const record = decodeRecord(delivery.payload)
    const { store, clock } = this.#parts
    const wasTaken = delivery.attempt > 1 ? { sentAt: store.timeOf(delivery.messageId), until: clock.now() } : undefined
    return { delivery, record, unknown: together(record.unknown, wasTaken) }
  }

  /** Until it is in the log, and then until the store knows that: what was handed out is not handed out again. */
  async #bring(batch: readonly Taken[]): Promise<void> {
    const { contents, logger, target } = this.#parts
    const pauseMs = () => (target.circuit.isClosed ? undefined : BACKOFF.maxMs / 2)
    const isInTheLog = await this.#untilDone(() => this.#append(batch), pauseMs)
    if (isInTheLog) await this.#untilDone(() => this.#settle(batch))
    if (contents.isEmpty) logger.info({ drained: this.#drained }, 'the spool is empty: all of it is in the log')
  }

  /** Again and again, until it succeeds, or fails when this is stopped. Resolves to whether it succeeded. */
  async #untilDone(step: () => Promise<void>, fixedPauseMs?: () => number | undefined): Promise<boolean> {
    const { contents, stop, clock, random, logger } = this.#parts
    for (let failures = 0; ; ) {
      try {
        await step()
        return true
      } catch (error) {
        if (stop.aborted) return false
        if (failures++ === 0) logger.warn({ err: error, events: contents.events }, 'events wait in the spool')
        await clock.sleep(fixedPauseMs?.() ?? backoffMs(failures, BACKOFF, random), stop).catch(() => {})
        if (stop.aborted) return false
      }
    }
  }

  /** What another process has taken over meanwhile, or this one will be handed once more, is not done with. */
  async #settle(batch: readonly Taken[]): Promise<void> {
    const { member, store, contents } = this.#parts
    const lost = new Set(await member.acknowledge(batch.map(({ delivery }) => delivery)))
    for (const { delivery, record } of batch) if (!lost.has(delivery.messageId)) contents.remove(record)
    await store.trim({ maxLength: 0 })
  }

  async #append(batch: readonly Taken[]): Promise<void> {
    const { log, circuit, timeoutMs } = this.#parts.target
    const started = performance.now()
    const sentAt = this.#parts.clock.now()
    const entries = await this.#notInTheLog(batch)
    try {
      const results = entries.length === 0 ? [] : await circuit.run(() => log.append(entries, { timeoutMs }))
      this.#drained += batch.reduce((sum, { record }) => sum + record.entries.length, 0)
      reportPublished(log, entries, results as AppendResult[], started)
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
    const there = await eventIdsIn(target, period, wanted)
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
