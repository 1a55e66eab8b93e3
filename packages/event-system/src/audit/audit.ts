import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type AuditAction, type AuditOutcome, type Clock, EventSystemError, type JsonObject } from '@tradpal/events'
import type { Principal } from '../access/index.ts'
import type { Storage } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import { type Batch, batchOf, Chain, MOST_AT_ONCE } from './chain.ts'
import type { Actor, AuditDraft, Head } from './entry.ts'
import { Gathering, type Publishing, type Refusal } from './gathering.ts'
import { type AuditOptions, resolveAuditOptions } from './options.ts'
import { type AuditQuery, type ListedEntry, listEntries } from './query.ts'
import { SettledDeliveries, type Settling } from './settled.ts'
import { trim } from './trimming.ts'
import { type Expectation, type Verification, verify } from './verification.ts'

/** How often the gathered counts are written, in ms. */
const GATHER_MS = 1_000
/** The most batches that wait while the audit log is away; meanwhile the counts go on. */
const MOST_BATCHES = 4
const AN_HOUR_MS = 3_600_000
/** How long closing may take to write the gathered counts, and then to close the log, in ms: a service that stops has 10 s. */
const CLOSE_MS = 1_500
const CLOSE_LOG_MS = 500

/** An action that is recorded as begun, for {@link Audit.finish}. */
export interface Begun {
  readonly draft: AuditDraft
}

/** How an action ended. */
export interface AuditResult {
  readonly outcome: Exclude<AuditOutcome, 'begun' | 'spooled'>
  /** The error code, where it was refused or failed. */
  readonly code?: string
  /** Ids and counts of the result, beside those that were recorded when it began. */
  readonly what?: JsonObject
}

/** The actor of the entries that this process makes by itself. */
const THE_SERVICE: Actor = { principal: 'service', proof: 'the service' }

/**
 * Records actions and their actors: `new Audit({ storage: system.auditLog().storage })`. An action of administration is recorded before it is done
 * and after it, and is not done when it cannot be recorded. Publishes, settlements and refusals are counted in memory and written each
 * second, and no caller waits for them. Several processes may record in the same log. `await using` closes it.
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

  /** Throws `invalid_options`. */
  constructor(options: AuditOptions) {
    const { storage, clock, logger, retentionMs, trimmedByItself } = resolveAuditOptions(options)
    this.#storage = storage
    this.#chain = new Chain(storage)
    this.#clock = clock
    this.#logger = logger
    this.#retentionMs = retentionMs
    this.#trimmedByItself = trimmedByItself
  }

  /** Opens the log and begins to write the counts each second. Rejects with `log_unavailable` and its kin. */
  async start(): Promise<void> {
    await this.#chain.start()
    this.#beat()
  }

  /** As {@link start}, but a log that is away is opened later, when it is there. Rejects with errors that no retry can mend. */
  async startSoon(): Promise<void> {
    await this.#chain.start().catch((error) => {
      if (!(error instanceof EventSystemError) || !error.retryable) throw error
      this.#logger.error({ err: error }, 'the audit log is away: nothing is administered until it is there')
    })
    this.#beat()
  }

  /** Counts a publish. The counts of one principal are those of the same object `who`. */
  published(who: Principal, publishing: Publishing): void {
    this.#gathering.publish(who, publishing)
  }

  /** Counts deliveries that were settled. The counts of one principal are those of the same object `who`. */
  settled(who: Principal, settling: Settling): void {
    this.#settled.add(who, settling)
  }

  /** Records a refusal. Five of a kind in a minute have an entry of their own, and further ones are counted. */
  refused(actor: Actor, refusal: Refusal): void {
    this.#gathering.refuse(actor, refusal, this.#clock.now())
  }

  /**
   * Records an action that is about to be done: who does it, and ids, counts and filters of it, without payloads and secrets. Rejects with
   * `audit_unavailable`, and then the action must not be done. Default of `requestId`: a new UUID.
   */
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

  /** Records how an action ended. When that cannot be written now, it resolves all the same and writes later: the action is done. */
  async finish({ draft }: Begun, { outcome, code, what = {} }: AuditResult): Promise<void> {
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

  /**
   * Does an action between {@link begin} and {@link finish}. `resultOf` gives ids and counts of its result, to be recorded too. Rejects with
   * `audit_unavailable`, nothing done, and with the error of the action.
   */
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

  /** The place of the newest entry: to be kept elsewhere, for a later {@link verify}. Rejects with the errors of the log. */
  async head(): Promise<Head> {
    return this.#chain.head()
  }

  /** Whether no entry was changed, removed or inserted. Reads the whole log, in constant memory. Rejects with the errors of the log. */
  async verify(expected?: Expectation): Promise<Verification> {
    await this.#chain.start()
    return verify(this.#storage, expected)
  }

  /**
   * Entries in the order of the chain: from `since` or `after` the first that match, without them the newest. Rejects with
   * `invalid_message_id`, `invalid_options` and the errors of the log.
   */
  async list(query: AuditQuery = {}): Promise<ListedEntry[]> {
    await this.#chain.start()
    return listEntries(this.#storage, query)
  }

  /** Removes entries that are older than `retentionMs`, and records that. Without `retentionMs` it does nothing. */
  async trim(): Promise<void> {
    if (this.#retentionMs === undefined) return
    const before = this.#clock.now() - this.#retentionMs
    await trim(this.#storage, before, (what) =>
      this.#chain.append(
        batchOf([{ ...THE_SERVICE, at: this.#clock.now(), action: 'audit.trimmed', what, outcome: 'done' }])
      )
    )
  }

  /**
   * Writes the gathered counts now. `all`: also the counts of refusals in the current minute. Rejects with the errors of the log; the next
   * call writes what this one did not.
   */
  async flush({ all = false } = {}): Promise<void> {
    await this.#writing?.catch(() => {})
    this.#writing = this.#write(all)
    await this.#writing
  }

  /** Writes the gathered counts and closes the log, in at most 2 s. Counts that cannot be written by then are lost, which is logged. Idempotent. */
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
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

  /** An entry for the events that the program has removed by itself since the last call. */
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

  /** Logs the head: where the log lines are kept elsewhere, nobody can write the chain again up to that place without a trace. */
  async #tellHead(): Promise<void> {
    this.#logger.info({ ...(await this.#chain.head()) }, 'the head of the audit log')
  }

  #tell(error: unknown): void {
    if (!this.#failing) this.#logger.error({ err: error }, 'the audit log cannot be written: what was gathered waits')
    this.#failing = true
  }
}

/** Rejects when the time of closing has passed, by a timer: the clock of a test may stand still. */
async function timeIsUp(signal: AbortSignal): Promise<never> {
  await setTimeout(CLOSE_MS, undefined, { signal })
  throw new EventSystemError('log_timeout', 'The audit log did not take what was gathered in time.')
}
