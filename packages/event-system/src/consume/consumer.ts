import { backoffMs, type Clock, type Event, EventSystemError } from '@tradpal/events'
import type { EventCodec } from '../codec/index.ts'
import type { ConsumerGroup, Delivery, EventLog, MessageId, NewDeadLetter } from '../log/index.ts'
import { type ConsumedMessage, type DeadLetteredMessage, diagnostics, type Logger } from '../runtime/index.ts'
import { Acknowledger } from './acknowledger.ts'
import { deadLetterOf } from './dead-letter.ts'
import type { HandlerRegistry } from './handlers.ts'
import { type Held, InHand } from './in-hand.ts'
import type { ConsumeOptions, ResolvedConsumeOptions } from './options.ts'
import { Recovery } from './recovery.ts'
import { runHandlers } from './run-handlers.ts'

export type { ConsumeOptions }

/** An idle consumer asks again after so long, in case a wake-up was lost. */
const WAIT_MS = 5_000
/** So many entries may wait for their retries before the consumer stops taking new ones. */
const MAX_WAITING = 1_000
/**
 * A delivery is counted when an entry is handed out, and a process that dies may have handled none of those that it held
 * ready. An event is given up unhandled only after so many times `maxAttempts`: then it is likely what kills.
 */
const CRASHES_PER_ATTEMPT = 3

export interface ConsumerParts {
  readonly log: EventLog
  readonly codec: EventCodec
  readonly handlers: HandlerRegistry
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
}

/** What closing left undone. */
export interface ConsumerReport {
  /** Entries whose handling had not begun: handed back to the group, at once claimable by its other members. */
  readonly handedBack: number
  /** Entries whose handling had begun: those of handlers that ran out of time, and those that waited for a retry. The group's other members take them over after `claimAfterMs`. */
  readonly unfinished: number
}

/** One member of a consumer group. */
export class EventConsumer {
  readonly group: string
  readonly consumer: string
  readonly #parts: ConsumerParts
  readonly #options: ResolvedConsumeOptions
  readonly #group: ConsumerGroup
  readonly #inHand = new InHand()
  readonly #acknowledger: Acknowledger
  readonly #recovery: Recovery
  readonly #logger: Logger
  readonly #stop = new AbortController()
  readonly #loops: Promise<void>[] = []
  #running = 0
  #lastRead: MessageId | undefined
  #changed: () => void = () => {}
  #starting: Promise<void> | undefined
  #closing: Promise<ConsumerReport> | undefined

  constructor(parts: ConsumerParts, options: ResolvedConsumeOptions) {
    this.#parts = parts
    this.#options = options
    this.group = options.group
    this.consumer = options.consumer
    this.#group = parts.log.group(options.group)
    this.#logger = parts.logger.child({ group: options.group, consumer: options.consumer })
    this.#recovery = new Recovery({
      clock: parts.clock,
      random: parts.random,
      logger: this.#logger,
      signal: this.#stop.signal,
      onGroupGone: () => this.#recreateGroup()
    })
    this.#acknowledger = new Acknowledger(
      this.#group,
      (ids) => {
        for (const id of ids) this.#inHand.drop(id)
        this.#changed()
      },
      (error) => this.#recovery.after('acknowledge', error)
    )
  }

  /** Makes the group if there is none, takes up what a consumer of this name left, and resolves once it is consuming. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    await this.#group.create(this.#options.from)
    await this.#takeUpOwn()
    this.#loops.push(this.#readLoop(), this.#claimLoop(), this.#keepAliveLoop())
  }

  /** From the call of {@link start} to the call of {@link close}. */
  get isConsuming(): boolean {
    return this.#starting !== undefined && this.#closing === undefined
  }

  /**
   * Stops reading, waits up to `timeoutMs` (default 10,000) for the handlers that run, hands the rest back to the group
   * and says how many. Idempotent.
   */
  close(options: { timeoutMs?: number } = {}): Promise<ConsumerReport> {
    this.#closing ??= this.#close(options.timeoutMs ?? 10_000)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<ConsumerReport> {
    this.#stop.abort(new EventSystemError('closed', 'The consumer is closing.'))
    this.#changed()
    const outOfTime = AbortSignal.timeout(Math.ceil(timeoutMs))
    await this.#starting?.catch(() => {})
    await Promise.all(this.#loops)
    while (this.#running > 0 && !outOfTime.aborted) await this.#change(outOfTime)
    await this.#acknowledger
      .flush()
      .catch((error) => this.#logger.warn({ err: error }, 'could not acknowledge while closing'))
    const untouched = this.#inHand.untouched()
    if (untouched.length > 0) {
      await this.#group
        .release(this.consumer, untouched)
        .catch((error) =>
          this.#logger.warn({ err: error, left: untouched.length }, 'could not hand back while closing')
        )
    }
    for (const id of untouched) this.#inHand.drop(id)
    const begun = this.#inHand.ids()
    for (const id of begun)
      this.#inHand.lose(id, new EventSystemError('closed', 'The consumer closed before the handler was done.'))
    return { handedBack: untouched.length, unfinished: begun.length }
  }

  async #takeUpOwn(): Promise<void> {
    let after: MessageId | undefined
    for (;;) {
      const limit = 1_000
      const page = await this.#group.pending({
        consumer: this.consumer,
        limit,
        ...(after === undefined ? {} : { after })
      })
      const ids = page.map(({ messageId }) => messageId)
      for (const delivery of await this.#group.redeliver(this.consumer, ids)) this.#accept(delivery)
      after = ids.at(-1)
      if (page.length < limit) return
    }
  }

  async #readLoop(): Promise<void> {
    const signal = this.#stop.signal
    while (!signal.aborted) {
      const room = this.#room()
      if (room <= 0) {
        await this.#change(signal)
        continue
      }
      await this.#recovery.attempt('read', async () => {
        for (const delivery of await this.#group.read(this.consumer, { limit: room, waitMs: WAIT_MS, signal })) {
          this.#lastRead = delivery.messageId
          this.#accept(delivery)
        }
      })
    }
  }

  /** Takes over what dead members left. */
  async #claimLoop(): Promise<void> {
    const minIdleMs = this.#options.claimAfterMs
    while (await this.#recovery.pause(minIdleMs / 2)) {
      const limit = this.#room()
      if (limit <= 0) continue
      await this.#recovery.attempt('claim', async () => {
        for (const delivery of await this.#group.claim(this.consumer, { minIdleMs, limit })) this.#accept(delivery)
      })
    }
  }

  /** Tells the group that this member lives, and learns what it has lost while it did not. */
  async #keepAliveLoop(): Promise<void> {
    while (await this.#recovery.pause(this.#options.claimAfterMs / 3)) {
      const held = this.#inHand.ids()
      if (held.length === 0) continue
      await this.#recovery.attempt('extend', async () => {
        const kept = new Set(await this.#group.extend(this.consumer, held))
        for (const id of held) {
          if (!kept.has(id))
            this.#inHand.lose(id, new EventSystemError('closed', `Another consumer has claimed ${id}.`))
        }
      })
    }
  }

  #room(): number {
    if (this.#inHand.waiting >= MAX_WAITING) return 0
    return this.#options.prefetch + this.#options.concurrency - this.#inHand.working
  }

  #accept(delivery: Delivery): void {
    this.#inHand.enqueue(delivery)
    this.#handleNext()
  }

  #handleNext(): void {
    while (this.#running < this.#options.concurrency && !this.#stop.signal.aborted) {
      const held = this.#inHand.take()
      if (held === undefined) return
      this.#running++
      this.#handle(held)
        .catch((error) =>
          this.#logger.error({ err: error, messageId: held.delivery.messageId }, 'could not finish an event')
        )
        .finally(() => {
          this.#running--
          this.#changed()
          this.#handleNext()
        })
    }
  }

  async #handle(held: Held): Promise<void> {
    const { messageId, payload, attempt } = held.delivery
    let event: Event
    try {
      event = this.#decode(payload)
    } catch (error) {
      return this.#bury(held, 'poison', error)
    }
    const registrations = this.#parts.handlers.for(event.eventType)
    if (registrations.length === 0) return this.#acknowledger.add(messageId)
    if (attempt > this.#options.maxAttempts * CRASHES_PER_ATTEMPT) {
      return this.#bury(
        held,
        'exhausted',
        new EventSystemError('handler_failed', `It was handed out ${attempt - 1} times and never finished.`)
      )
    }
    const started = performance.now()
    const deliveryMs = Math.max(0, this.#parts.clock.now() - this.#parts.log.timeOf(messageId))
    const outcome = await runHandlers(event, held, registrations, {
      group: this.group,
      consumer: this.consumer,
      logger: this.#logger
    })
    this.#report(event, attempt, deliveryMs, performance.now() - started, outcome)
    if (!this.#inHand.holds(held)) return
    if (outcome.kind === 'done') this.#acknowledger.add(messageId)
    else if (outcome.kind === 'poison') await this.#bury(held, 'poison', outcome.error)
    else if (attempt >= this.#options.maxAttempts) await this.#bury(held, 'exhausted', outcome.error)
    else this.#retryLater(held, outcome.error)
  }

  #decode(payload: string | null): Event {
    if (payload === null) throw new EventSystemError('invalid_event', 'The entry has no field "event".')
    return this.#parts.codec.decode(payload)
  }

  #retryLater(held: Held, error: unknown): void {
    const { messageId, attempt } = held.delivery
    const waitMs = backoffMs(attempt, this.#options.backoff, this.#parts.random)
    this.#logger.warn(
      { messageId, attempt, waitMs: Math.round(waitMs), err: error },
      'a handler failed; it will be tried again'
    )
    this.#inHand.waitToRetry(held)
    void this.#retryAfter(held, waitMs)
  }

  async #retryAfter(held: Held, waitMs: number): Promise<void> {
    const { messageId } = held.delivery
    let tried = false
    while (!tried && (await this.#recovery.pause(waitMs)) && this.#inHand.holds(held)) {
      await this.#recovery.attempt('redeliver', async () => {
        const [delivery] = await this.#group.redeliver(this.consumer, [messageId])
        tried = true
        if (delivery !== undefined) this.#accept(delivery)
        else this.#inHand.lose(messageId, new EventSystemError('closed', `Another consumer has claimed ${messageId}.`))
      })
    }
  }

  async #bury(held: Held, kind: NewDeadLetter['kind'], error: unknown): Promise<void> {
    const letter = deadLetterOf(held.delivery, this.consumer, kind, error, this.#options.maxAttempts)
    const { messageId, attempts, reason } = letter
    let buried = false
    do {
      buried = await this.#recovery.attempt('deadLetter', async () => {
        await this.#group.deadLetter([letter])
      })
    } while (!buried && !this.#stop.signal.aborted)
    if (!buried) return
    this.#inHand.drop(messageId)
    this.#logger.error({ messageId, kind, attempts, reason }, 'an event went to the dead letters')
    diagnostics.deadLettered.publish({
      log: this.#parts.log,
      group: this.group,
      kind,
      messageId
    } satisfies DeadLetteredMessage)
  }

  /** Somebody dropped the group, or the whole log: goes on behind what this member has read, so that nothing is left out. */
  async #recreateGroup(): Promise<void> {
    const from = this.#lastRead === undefined ? this.#options.from : { after: this.#lastRead }
    const created = await this.#group.create(from).catch(() => false)
    if (created) this.#logger.warn({ from }, 'the consumer group was gone and has been made again')
  }

  /** Resolves when something in hand changed, or the signal is aborted. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#changed = done
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #report(
    event: Event,
    attempt: number,
    deliveryMs: number,
    handlingMs: number,
    outcome: { kind: string; error?: unknown }
  ): void {
    if (!diagnostics.consumed.hasSubscribers) return
    diagnostics.consumed.publish({
      log: this.#parts.log,
      group: this.group,
      eventType: event.eventType,
      attempt,
      deliveryMs,
      handlingMs,
      error: outcome.error
    } satisfies ConsumedMessage)
  }
}
