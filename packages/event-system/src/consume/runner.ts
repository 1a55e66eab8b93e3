import type { Clock, Event } from '@tradpal/events'
import type { Storage } from '../log/index.ts'
import { type Logger, pause } from '../runtime/index.ts'
import type { Acknowledger } from './acknowledger.ts'
import { isShredded } from './content.ts'
import { neverFinished, poison } from './failure-policy.ts'
import type { HandlerRegistry, Registration } from './handlers.ts'
import { givenUp, type HandlingParts, handle, rememberedSteps } from './handling.ts'
import type { Content, Held } from './held.ts'
import type { InFlight } from './in-flight.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import { reportEnding, ShreddedEvents } from './reports.ts'
import type { Rereader } from './rereader.ts'
import { type Ending, settlementOf } from './settlement.ts'
import { Unhandled } from './unhandled.ts'

/** At most this many handlers start in one turn of the event loop: calls to the log go out between two. */
const STARTS_PER_TURN = 32
/** When the log could not be asked about an event, it is asked again after this time, in ms. */
const ASK_AGAIN_MS = 1_000
/** An event whose key is missing is read again after this time, in ms. */
const READ_AGAIN_MS = 1_000

export interface RunnerParts extends HandlingParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  readonly options: ResolvedConsumeOptions
  readonly handlers: HandlerRegistry
  readonly inFlight: InFlight
  readonly rereader: Rereader
  readonly acknowledger: Acknowledger
  /** Aborted when the consumer stops: no handler starts after that. */
  readonly stop: AbortSignal
}

/** Runs the handlers of the deliveries in flight, and hands each to the acknowledger when they are done with it. */
export class Runner {
  readonly unhandled: Unhandled
  readonly #parts: RunnerParts
  readonly #shredded: ShreddedEvents
  #startedInTurn = 0
  /** Aborted when an earlier retry is waited for. */
  #waiting = new AbortController()
  #waitsUntil = Number.POSITIVE_INFINITY

  constructor(parts: RunnerParts) {
    this.#parts = parts
    this.unhandled = new Unhandled(parts)
    this.#shredded = new ShreddedEvents(parts)
  }

  /** Starts handlers until the consumer stops. Those that run then go on. The end of each handler starts the next one itself. */
  async run(): Promise<void> {
    const { inFlight, stop } = this.#parts
    let seen = 0
    while (!stop.aborted) {
      await inFlight.when(() => inFlight.arrivals !== seen, stop)
      seen = inFlight.arrivals
      this.#startNext()
    }
  }

  /** Resolves when no handler runs, or when the signal is aborted. */
  idle(signal: AbortSignal): Promise<void> {
    const { inFlight } = this.#parts
    return inFlight.when(() => inFlight.running === 0, signal)
  }

  #startNext(): void {
    const { inFlight, clock, stop } = this.#parts
    while (!stop.aborted && this.#startedInTurn < STARTS_PER_TURN) {
      const held = inFlight.start(clock.now())
      if (held === undefined) return
      if (this.#startedInTurn++ === 0) setImmediate(() => this.#nextTurn())
      void this.#run(held)
    }
  }

  #nextTurn(): void {
    this.#startedInTurn = 0
    this.#startNext()
  }

  async #run(held: Held): Promise<void> {
    const { inFlight, rereader, clock, logger } = this.#parts
    try {
      const bringing = rereader.bring(held)
      if (bringing !== undefined) await bringing
      const { content } = held
      // A process that was frozen while it read has to ask first whether the delivery is still its own.
      if (bringing !== undefined && !inFlight.isCertain(clock.now())) inFlight.retryAt(held, clock.now())
      else if (content === undefined) this.#endUnread(held)
      else if (!rereader.isReadable(held, content)) inFlight.unreadableUntil(held, clock.now() + READ_AGAIN_MS)
      else await this.#handle(held, content)
    } catch (error) {
      logger.error({ err: error, messageId: held.messageId }, 'an event could not be handled; it will be tried again')
      inFlight.retryAt(held, clock.now() + ASK_AGAIN_MS)
    }
    this.#waitForRetry()
    this.#startNext()
  }

  async #handle(held: Held, content: Content): Promise<void> {
    const { storage, clock, options, inFlight } = this.#parts
    inFlight.readable(held)
    if (isShredded(content)) {
      this.#shredded.add(options.group, held.messageId)
      return this.#endUnread(held)
    }
    const started = performance.now()
    const ending = await this.#endingOf(held, content)
    if (ending === undefined) return void inFlight.retryAt(held, clock.now())
    reportEnding({ storage, group: options.group, held, started, clock }, ending)
    this.#end(held, ending)
  }

  /** Undefined: it has to be asked first whether the delivery is still this consumer's. */
  #endingOf(held: Held, content: Content): Ending | Promise<Ending | undefined> {
    const { clock, handlers, options } = this.#parts
    if (content.event === undefined) return givenUp(poison(content.error, clock.now()))
    const registrations = handlers.for(content.event.eventType)
    if (registrations.length === 0) this.unhandled.add(content.event.eventType)
    const unfinished = neverFinished(held.delivery.attempt, options.maxAttempts, clock.now())
    if (unfinished !== undefined && registrations.length > 0) return givenUp(unfinished)
    const remembered = rememberedSteps(content.event, registrations, this.#parts)
    if (remembered === undefined) return handle(held, content.event, { registrations }, this.#parts)
    return this.#handleOnce(held, content.event, registrations, remembered)
  }

  /** A process that was frozen while it asked the ledger begins nothing. */
  async #handleOnce(
    held: Held,
    event: Event,
    registrations: readonly Registration[],
    remembering: Promise<ReadonlySet<string>>
  ): Promise<Ending | undefined> {
    const remembered = await remembering
    if (!this.#parts.inFlight.isCertain(this.#parts.clock.now())) return undefined
    return handle(held, event, { registrations, remembered }, this.#parts)
  }

  #end(held: Held, ending: Ending): void {
    const { inFlight, options, logger, acknowledger } = this.#parts
    const { verdict, errors } = ending
    // Before its data are evicted.
    const settlement = held.state === 'gone' ? undefined : settlementOf(held, ending, options)
    if (held.state !== 'gone' && verdict.kind === 'retry' && errors.length > 0) {
      logger.warn({ messageId: held.messageId, err: errors[0] }, 'a handler failed; it will be tried again')
    }
    const isOurs = verdict.kind === 'retry' ? inFlight.retryAt(held, verdict.dueAt) : inFlight.ended(held)
    if (isOurs) acknowledger.add(held, settlement)
  }

  /** There is nothing to handle: it was trimmed while it waited, its subject was shredded, or it is another consumer's, which its acknowledgement will tell. */
  #endUnread(held: Held): void {
    const { inFlight, acknowledger } = this.#parts
    inFlight.readable(held)
    if (inFlight.ended(held)) acknowledger.add(held, undefined)
  }

  /** One timer for all retries, until the first of them is due. */
  #waitForRetry(): void {
    const { inFlight, clock, stop } = this.#parts
    const dueAt = inFlight.nextDueAt
    if (dueAt >= this.#waitsUntil || stop.aborted) return
    this.#waiting.abort()
    this.#waiting = new AbortController()
    this.#waitsUntil = dueAt
    const timer = AbortSignal.any([stop, this.#waiting.signal])
    void pause(clock, Math.max(0, dueAt - clock.now()), timer).then((isDue) => {
      if (!isDue) return
      this.#waitsUntil = Number.POSITIVE_INFINITY
      inFlight.tick(clock.now())
      this.#waitForRetry()
    })
  }
}
