import { type Clock, EventSystemError } from '@tradpal/events'
import type { EventCodec } from '../codec/index.ts'
import type { ConsumerGroup, Delivery, EventLog, NewDeadLetter, Settlement, SettlementResult } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import { mustHaveCome } from './beginning.ts'
import { Changes } from './changes.ts'
import { Contents } from './content.ts'
import type { HandlerRegistry } from './handlers.ts'
import { type Ending, type HandlingParts, handle, neverFinished, poison } from './handling.ts'
import { Held } from './held.ts'
import { keepHouse } from './housekeeping.ts'
import { InHand } from './in-hand.ts'
import type { Intake, IntakeParts } from './intake.ts'
import { Lanes } from './lanes.ts'
import { type GivenUp, letterOf } from './letter.ts'
import { CRASHES_PER_ATTEMPT, duration } from './option-values.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import { Recovery } from './recovery.ts'
import { reportClaimed, reportDeadLetter, reportEnding } from './reports.ts'
import { holdOf, Settler } from './settler.ts'
import { ShardedIntake } from './sharded-intake.ts'
import { SharedIntake } from './shared-intake.ts'
import { Steps } from './steps.ts'

/** So many entries may wait, for their retries or behind one that does, before the consumer stops taking new ones. */
const MAX_PARKED = 10_000
/** Beyond so many times the prefetch that wait for their acknowledgement, no more entries are asked for. */
const ENDED_PER_PREFETCH = 2
/** When the time to close is up, what is left is handed back within so long, in ms. */
const HAND_BACK_MS = 1_000
/** Handlers that start in one turn of the event loop, at most. */
const STARTS_PER_TURN = 32
/** When the ledger could not be asked whether an event is done, it is asked again after so long, in ms. */
const ASK_AGAIN_MS = 1_000

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
  /** Entries whose handling had not begun, or that waited for a retry: handed back to the group, at once claimable by its other members. */
  readonly handedBack: number
  /**
   * Entries whose handlers ran out of time: handed back likewise, and what their handlers still do does not count. When the
   * log did not answer, everything that is left: others take it over as from a member that died.
   */
  readonly unfinished: number
}

/** One member of a consumer group. */
export class EventConsumer {
  readonly group: string
  readonly consumer: string
  readonly #parts: ConsumerParts
  readonly #options: ResolvedConsumeOptions
  readonly #group: ConsumerGroup
  readonly #logger: Logger
  readonly #contents: Contents
  readonly #inHand = new InHand()
  readonly #lanes = new Lanes()
  readonly #settler: Settler
  readonly #recovery: Recovery
  readonly #intake: Intake
  readonly #handling: HandlingParts
  readonly #stop = new AbortController()
  /** Of what is in hand. */
  readonly #changes = new Changes()
  #running = 0
  #startedInTurn = 0
  #waiting = 0
  /** Handled, and not yet known to be settled. */
  #ended = 0
  #settled = 0
  #isPaused = false
  #loops: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
  #closing: Promise<ConsumerReport> | undefined

  constructor(parts: ConsumerParts, options: ResolvedConsumeOptions) {
    const { log, codec, clock, random } = parts
    const { group, consumer, ordering, key, shards } = options
    this.#parts = parts
    this.#options = options
    this.group = group
    this.consumer = consumer
    this.#group = log.group(group)
    this.#logger = parts.logger.child({ group, consumer })
    this.#recovery = new Recovery({ clock, random, logger: this.#logger, signal: this.#stop.signal })
    this.#contents = new Contents({ codec, shards, ...(ordering === 'key' ? { key } : {}) })
    this.#intake = this.#newIntake()
    this.#settler = new Settler({
      to: this.#intake,
      onSettled: (held, result) => this.#onSettled(held, result),
      onFailure: (error) => this.#recovery.after('settle', error)
    })
    this.#handling = {
      clock,
      random,
      defaults: options,
      surroundings: {
        group,
        consumer,
        codec,
        logger: this.#logger,
        steps: new Steps(this.#group.ledger),
        extend: (held) => this.#intake.extend(held)
      }
    }
  }

  #newIntake(): Intake {
    const parts: IntakeParts = {
      group: this.#group,
      consumer: this.consumer,
      options: this.#options,
      clock: this.#parts.clock,
      recovery: this.#recovery,
      stop: this.#stop.signal,
      inHand: this.#inHand,
      room: () => this.#room(),
      roomChange: () => this.#changes.next(this.#stop.signal),
      accept: (deliveries) => this.#accept(deliveries),
      onClaimed: (deliveries) => reportClaimed(this.#parts.log, this.group, deliveries, this.#contents),
      lose: (held, reason) => this.#lose(held, reason),
      flush: () => this.#settler.flush(),
      resume: () => this.#handleNext()
    }
    return this.#options.ordering === 'key' ? new ShardedIntake(parts, this.#contents) : new SharedIntake(parts)
  }

  /** Makes the group if there is none, takes up what a consumer of this name left, and resolves once it is consuming. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    mustHaveCome(this.#options.from, this.#parts.log, this.#parts.clock, 'invalid_options')
    await this.#intake.join()
    const { consumer } = this
    this.#loops = Promise.all([
      this.#intake.run(),
      keepHouse({
        group: this.#group,
        consumer,
        options: this.#options,
        recovery: this.#recovery,
        logger: this.#logger,
        settled: () => this.#settled
      })
    ])
  }

  /** From the call of {@link start} to the call of {@link close}. */
  get isConsuming(): boolean {
    return this.#starting !== undefined && this.#closing === undefined
  }

  /** Stops reading and starts no handler more, until {@link resume}. What is in hand stays this consumer's. */
  pause(): void {
    this.#isPaused = true
  }

  /** Goes on after {@link pause}. */
  resume(): void {
    this.#isPaused = false
    this.#handleNext()
    this.#changes.tell()
  }

  /**
   * Stops reading, waits up to `timeoutMs` (default 10,000) for the handlers that run, hands the rest back to the group
   * and says how many. A log that does not answer keeps it for a second more, at most. Idempotent. Refuses with
   * `invalid_options`, and goes on consuming.
   */
  async close(options: { timeoutMs?: number } = {}): Promise<ConsumerReport> {
    const timeoutMs = duration('timeoutMs', options.timeoutMs ?? 10_000, 0)
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<ConsumerReport> {
    this.#stop.abort(new EventSystemError('closed', 'The consumer is closing.'))
    this.#changes.tell()
    const outOfTime = AbortSignal.timeout(Math.ceil(timeoutMs))
    const deadline = performance.now() + timeoutMs
    await Promise.race([Promise.allSettled([this.#starting, this.#loops]), aborted(outOfTime)])
    while (this.#running > 0 && !outOfTime.aborted) await this.#changes.next(outOfTime)
    const late = aborted(AbortSignal.timeout(Math.ceil(Math.max(HAND_BACK_MS, deadline - performance.now()))))
    await Promise.race([this.#attempt('settle', () => this.#settler.flush()), late])
    const left = [...this.#inHand]
    const isHandedBack = await Promise.race([this.#attempt('hand back', () => this.#intake.leave()), late])
    const unfinished = isHandedBack ? left.filter(({ state }) => state === 'running').length : left.length
    for (const held of left) {
      this.#lose(held, new EventSystemError('closed', 'The consumer closed before the handler was done.'))
    }
    return { handedBack: left.length - unfinished, unfinished }
  }

  /** Resolves to whether it could be done. */
  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#logger.warn({ err: error }, `could not ${what} while closing`)
      return false
    }
  }

  /** Nothing, until there is room for half of what is held ready: entries are asked for in pages. What is done, and is only being acknowledged, keeps none from coming. */
  #room(): number {
    const { prefetch, prefetchBytes, concurrency } = this.#options
    const parked = this.#waiting + this.#lanes.parked
    if (this.#isPaused || parked >= MAX_PARKED || this.#inHand.bytes >= prefetchBytes) return 0
    if (this.#ended > ENDED_PER_PREFETCH * prefetch) return 0
    const room = prefetch + concurrency - (this.#inHand.size - parked - this.#ended)
    return room >= prefetch / 2 ? room : 0
  }

  #accept(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      const before = this.#inHand.get(delivery.messageId)
      if (before !== undefined) {
        this.#lose(before, new EventSystemError('delivery_lost', `${delivery.messageId} was handed out anew.`))
      }
      const held = new Held(delivery, this.#contents.of(delivery))
      this.#inHand.add(held)
      this.#lanes.add(held)
    }
    this.#handleNext()
  }

  /** Starts as many handlers as may run, but only so many in one turn of the event loop: what is to be read and acknowledged goes out between two. */
  #handleNext(): void {
    while (this.#running < this.#options.concurrency && this.#mayStart()) {
      if (this.#startedInTurn >= STARTS_PER_TURN) return
      const held = this.#lanes.take()
      if (held === undefined) return
      if (this.#startedInTurn++ === 0) setImmediate(() => this.#nextTurn())
      held.state = 'running'
      this.#running++
      void this.#handle(held)
    }
  }

  #nextTurn(): void {
    this.#startedInTurn = 0
    this.#handleNext()
  }

  #mayStart(): boolean {
    return !this.#isPaused && !this.#stop.signal.aborted && this.#intake.isCertain()
  }

  async #handle(held: Held): Promise<void> {
    const started = performance.now()
    try {
      const ending = await this.#endingOf(held)
      reportEnding({ log: this.#parts.log, group: this.group, held, started, clock: this.#parts.clock }, ending)
      this.#end(held, ending)
    } catch (error) {
      this.#logger.error(
        { err: error, messageId: held.messageId },
        'an event could not be handled; it will be tried again'
      )
      if (held.state === 'gone') this.#lanes.pass(held)
      else this.#waitToRetry(held, this.#parts.clock.now() + ASK_AGAIN_MS)
    } finally {
      this.#running--
      this.#handleNext()
      this.#changes.tell()
    }
  }

  async #endingOf(held: Held): Promise<Ending> {
    const { content, delivery } = held
    const now = this.#parts.clock.now()
    if (content.event === undefined) return poison(content.error, now)
    const registrations = this.#parts.handlers.for(content.event.eventType)
    if (delivery.attempt > this.#options.maxAttempts * CRASHES_PER_ATTEMPT && registrations.length > 0) {
      return neverFinished(delivery.attempt - 1, now)
    }
    return handle(held, content.event, registrations, this.#handling)
  }

  #end(held: Held, { verdict, effects, remember, errors }: Ending): void {
    if (held.state === 'gone') {
      this.#lanes.pass(held)
      return
    }
    const { messageId } = held
    const what: Partial<Settlement> = {
      ...(effects.length > 0 && { effects }),
      ...(remember.length > 0 && { remember })
    }
    if (verdict.kind === 'retry') {
      if (errors.length > 0)
        this.#logger.warn({ messageId, err: errors[0] }, 'a handler failed; it will be tried again')
      this.#waitToRetry(held, verdict.dueAt)
      this.#settle(held, { ...what, outcome: { kind: 'retry', note: held.progress.toNote() } })
      return
    }
    held.state = 'ended'
    this.#ended++
    this.#lanes.pass(held)
    if (verdict.kind === 'dead') {
      this.#settle(held, { ...what, outcome: { kind: 'dead', letter: this.#letterOf(held, verdict.letter) } })
    } else if (effects.length + remember.length > 0) {
      this.#settle(held, { ...what, outcome: { kind: 'done' } })
    } else {
      this.#settler.acknowledge(held)
    }
  }

  #settle(held: Held, settlement: Pick<Settlement, 'outcome' | 'effects' | 'remember'>): void {
    this.#settler.settle(held, { ...holdOf(held), ...settlement })
  }

  #letterOf({ delivery, content, progressIfAny }: Held, givenUp: GivenUp): NewDeadLetter {
    const eventType = content.event?.eventType ?? null
    return letterOf(delivery, givenUp, { consumer: this.consumer, eventType, note: progressIfAny?.toNoteOfTheDead() })
  }

  #waitToRetry(held: Held, dueAt: number): void {
    held.state = 'waiting'
    this.#waiting++
    this.#lanes.block(held)
    void this.#retryAt(held, dueAt)
  }

  async #retryAt(held: Held, dueAt: number): Promise<void> {
    if (!(await this.#recovery.pause(Math.max(0, dueAt - this.#parts.clock.now())))) return
    if (held.state !== 'waiting') return
    held.state = 'queued'
    this.#waiting--
    this.#lanes.resume(held)
    this.#handleNext()
  }

  #onSettled(held: Held, result: SettlementResult): void {
    if (result.kind === 'lost') {
      this.#intake.onLost(held)
      if (held.state !== 'gone') {
        this.#lose(
          held,
          new EventSystemError('delivery_lost', `Another consumer has ${held.messageId} now, or its group is gone.`)
        )
      }
      return
    }
    if (held.state !== 'ended') return
    this.#ended--
    this.#settled++
    this.#inHand.drop(held)
    this.#intake.onOutOfHand(held)
    this.#changes.tell()
    if (result.letter !== undefined) {
      const { kind, messageId, attempts, lastError } = result.letter
      this.#logger.error({ messageId, kind, attempts, reason: lastError.message }, 'an event went to the dead letters')
      reportDeadLetter(this.#parts.log, result.letter)
    }
  }

  /** It is another's now: what its handler still does here does not count. */
  #lose(held: Held, reason: Error): void {
    const { state } = held
    this.#inHand.lose(held, reason)
    if (state === 'ended') this.#ended--
    if (state === 'waiting') {
      this.#waiting--
      this.#lanes.pass(held)
    }
    this.#intake.onOutOfHand(held)
    this.#changes.tell()
  }
}

/** Resolves to false when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<false> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false), { once: true }))
}
