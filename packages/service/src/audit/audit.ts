import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type Clock, EventSystemError, type JsonObject, type Logger, type Storage } from '@tradpal/event-system'
import type { Principal } from '../access/index.ts'
import { type Batch, batchOf, Chain, MOST_AT_ONCE } from './chain.ts'
import type { Actor, AuditAction, AuditDraft, AuditOutcome, Head } from './entry.ts'
import { Gathering, type Publishing, type Refusal } from './gathering.ts'
import { type AuditQuery, type ListedEntry, listEntries } from './query.ts'
import { SettledDeliveries, type Settling } from './settled.ts'
import { trim } from './trimming.ts'
import { type Expectation, type Verification, verify } from './verification.ts'

/** What is gathered is written so often, in ms. */
const GATHER_MS = 1_000
/** So many batches wait while the audit log is away; what is gathered meanwhile is counted on. */
const MOST_BATCHES = 4
const AN_HOUR_MS = 3_600_000
/** At the end, writing what is gathered may take so long, and then the log to close, in ms: a service that stops has 10 s. */
const CLOSE_MS = 1_500
const CLOSE_LOG_MS = 500

export interface AuditOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  /** Entries are removed when they are older. Default: none is. */
  readonly retentionMs?: number | undefined
  /** How many events the service has removed from its log by itself so far. Default: none. */
  readonly trimmedByItself?: () => number
}

/** Something that is recorded before it is done. */
export interface Begun {
  readonly draft: AuditDraft
}

/** What came of it. */
export interface Result {
  readonly outcome: Exclude<AuditOutcome, 'begun' | 'spooled'>
  readonly code?: string
  readonly what?: JsonObject
}

/** The service itself, in the entries that it makes of its own accord. */
const THE_SERVICE: Actor = { principal: 'service', proof: 'the service' }

/**
 * Writes down who did what. What administers the log is written before it is done, and is not done when it cannot be; what
 * came of it is written behind it. Publishes, settlements and refusals are gathered and counted, and nobody waits for them.
 */
export class Audit {
  readonly #storage: Storage
  readonly #chain: Chain
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #retentionMs: number | undefined
  readonly #trimmedByItself: () => number
  readonly #gathering = new Gathering()
  readonly #settled = new SettledDeliveries()
  readonly #waiting: Batch[] = []
  readonly #ending = new AbortController()
  #writing: Promise<void> | undefined
  #beats: Promise<unknown> | undefined
  #failing = false
  #trimmed = 0

  constructor({ storage, clock, logger, retentionMs, trimmedByItself = () => 0 }: AuditOptions) {
    this.#storage = storage
    this.#chain = new Chain(storage)
    this.#clock = clock
    this.#logger = logger
    this.#retentionMs = retentionMs
    this.#trimmedByItself = trimmedByItself
  }

  /** Opens the audit log and begins to write what is gathered. Rejects with `log_unavailable` and its kin. */
  async start(): Promise<void> {
    await this.#chain.start()
    this.#beat()
  }

  /** As {@link start}; a log that is away for now is opened when it is there. Rejects with what no waiting mends. */
  async startSoon(): Promise<void> {
    await this.#chain.start().catch((error) => {
      if (!(error instanceof EventSystemError) || !error.retryable) throw error
      this.#logger.error({ err: error }, 'the audit log is away: nothing is administered until it is there')
    })
    this.#beat()
  }

  published(who: Principal, publishing: Publishing): void {
    this.#gathering.publish(who, publishing)
  }

  settled(who: Principal, settling: Settling): void {
    this.#settled.add(who, settling)
  }

  refused(actor: Actor, refusal: Refusal): void {
    this.#gathering.refuse(actor, refusal, this.#clock.now())
  }

  /** Resolves when it is written that this is about to be done. Rejects with `audit_unavailable`: then it must not be done. */
  async begin(action: AuditAction, actor: Actor, what: JsonObject, requestId: string = randomUUID()): Promise<Begun> {
    const draft: AuditDraft = { ...actor, at: this.#clock.now(), action, requestId, what, outcome: 'begun' }
    try {
      await this.#chain.append(batchOf([draft]))
      return { draft }
    } catch (cause) {
      const sentence = `The audit log at ${this.#storage.location} cannot be written, and ${action} is not done unrecorded: ${(cause as Error).message}`
      throw new EventSystemError('audit_unavailable', sentence, { cause })
    }
  }

  /** Resolves when it is written what came of it, or when that cannot be written now: then it is written later, for it is done. */
  async finish({ draft }: Begun, { outcome, code, what = {} }: Result): Promise<void> {
    const { code: _, ...before } = draft
    const ended: AuditDraft = {
      ...before,
      at: this.#clock.now(),
      what: { ...draft.what, ...what },
      outcome,
      ...(code === undefined ? {} : { code })
    }
    const batch = batchOf([ended])
    await this.#chain.append(batch).catch((error) => {
      this.#waiting.push(batch)
      this.#tell(error)
    })
  }

  /** Does something between {@link begin} and {@link finish}. */
  async perform<T>(
    action: AuditAction,
    actor: Actor,
    what: JsonObject,
    work: () => Promise<T>,
    resultOf: (value: T) => JsonObject = () => ({})
  ): Promise<T> {
    const begun = await this.begin(action, actor, what)
    try {
      const value = await work()
      await this.finish(begun, { outcome: 'done', what: resultOf(value) })
      return value
    } catch (error) {
      await this.finish(begun, { outcome: 'failed', code: error instanceof EventSystemError ? error.code : 'internal' })
      throw error
    }
  }

  async head(): Promise<Head> {
    return this.#chain.head()
  }

  async verify(expected?: Expectation): Promise<Verification> {
    await this.#chain.start()
    return verify(this.#storage, expected)
  }

  async list(query: AuditQuery): Promise<ListedEntry[]> {
    await this.#chain.start()
    return listEntries(this.#storage, query)
  }

  /** Removes what is older than the retention says, and says so. Does nothing without one. */
  async trim(): Promise<void> {
    if (this.#retentionMs === undefined) return
    const before = this.#clock.now() - this.#retentionMs
    await trim(this.#storage, before, (what) =>
      this.#chain.append(
        batchOf([{ ...THE_SERVICE, at: this.#clock.now(), action: 'audit.trimmed', what, outcome: 'done' }])
      )
    )
  }

  /** Writes what is gathered now. Rejects with what the log rejects with; what was not written is written by the next call. */
  async flush({ all = false } = {}): Promise<void> {
    await this.#writing?.catch(() => {})
    this.#writing = this.#write(all)
    await this.#writing
  }

  /** Writes what is gathered, and closes the log, in at most two seconds, whatever that does. Idempotent. */
  async close(): Promise<void> {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    const inTime = new AbortController()
    try {
      await Promise.race([this.#finishWriting(), timeIsUp(inTime.signal)])
    } catch (error) {
      this.#logger.error({ err: error }, 'what was gathered for the audit log could not be written, and is lost')
    } finally {
      inTime.abort()
    }
    await this.#storage.close({ timeoutMs: CLOSE_LOG_MS })
  }

  async #finishWriting(): Promise<void> {
    await this.#beats
    await this.flush({ all: true })
    await this.#tellHead()
  }

  async #write(all: boolean): Promise<void> {
    if (all || this.#waiting.length < MOST_BATCHES) {
      const now = this.#clock.now()
      const drafts = [...this.#ownTrims(), ...this.#gathering.take(now, all), ...this.#settled.take(now)]
      for (let i = 0; i < drafts.length; i += MOST_AT_ONCE) {
        this.#waiting.push(batchOf(drafts.slice(i, i + MOST_AT_ONCE)))
      }
    }
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      await this.#chain.append(batch)
      this.#waiting.splice(this.#waiting.indexOf(batch), 1)
    }
    if (this.#failing) this.#logger.info({}, 'the audit log takes entries again')
    this.#failing = false
  }

  /** What the service has removed by itself since the last time. */
  #ownTrims(): AuditDraft[] {
    const before = this.#trimmed
    this.#trimmed = this.#trimmedByItself()
    const removed = this.#trimmed - before
    if (removed === 0) return []
    return [{ ...THE_SERVICE, at: this.#clock.now(), action: 'log.trimmed', what: { removed }, outcome: 'done' }]
  }

  #beat(): void {
    this.#beats ??= Promise.all([
      this.#every(GATHER_MS, () => this.flush()),
      this.#every(AN_HOUR_MS, async () => {
        await this.trim()
        await this.#tellHead()
      })
    ])
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#ending
    const isTime = () =>
      this.#clock.sleep(ms, signal).then(
        () => !signal.aborted,
        () => false
      )
    while (await isTime()) await work().catch((error) => this.#tell(error))
  }

  /** For whoever keeps the logs of the service elsewhere: a place of the chain that nobody can write anew any more. */
  async #tellHead(): Promise<void> {
    this.#logger.info({ ...(await this.#chain.head()) }, 'the head of the audit log')
  }

  #tell(error: unknown): void {
    if (!this.#failing) this.#logger.error({ err: error }, 'the audit log cannot be written: what was gathered waits')
    this.#failing = true
  }
}

/** Rejects when the time of closing has passed, by no clock that stands still. */
async function timeIsUp(signal: AbortSignal): Promise<never> {
  await setTimeout(CLOSE_MS, undefined, { signal })
  throw new EventSystemError('log_timeout', 'The audit log did not take what was gathered in time.')
}
