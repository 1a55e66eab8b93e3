import { type Clock, EventSystemError, type Validation } from '@tradpal/events'
import type { Attachments, EventCodec } from '../codec/index.ts'
import type { DeadLetter, DeadLetters } from '../dead-letters/index.ts'
import type { Delivery, Storage } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import { Changes } from './changes.ts'
import { type Contents, isShredded } from './content.ts'
import { warnOfDroppedEffects } from './dropped-effects.ts'
import type { HandlerRegistry } from './handlers.ts'
import { type Ending, type HandlingParts, handle, neverFinished, poison } from './handling.ts'
import { type AnyDelivery, type Content, Held } from './held.ts'
import { InHand } from './in-hand.ts'
import type { Intake, IntakeParts } from './intake.ts'
import { Lanes } from './lanes.ts'
import type { OnceSteps } from './once-steps.ts'
import { CRASHES_PER_ATTEMPT } from './option-values.ts'
import type { ResolvedConsumeOptions } from './options.ts'
import { Reading } from './reading.ts'
import type { Recovery } from './recovery.ts'
import { reportClaimed, reportDeadLetter, reportEnding, ShreddedEvents } from './reports.ts'
import { Retries } from './retries.ts'
import { Room } from './room.ts'
import { settlementOf } from './settlement.ts'
import { Settler } from './settler.ts'
import { type SettlementResult, settle } from './settling.ts'
import { Shelf } from './shelf.ts'
import { Unhandled } from './unhandled.ts'

/** Handlers that start in one turn of the event loop, at most. */
const STARTS_PER_TURN = 32
/** When the ledger could not be asked whether an event is done, it is asked again after so long, in ms. */
const ASK_AGAIN_MS = 1_000
/** What cannot be read before its key is there is looked at again after so long, in ms. */
const READ_AGAIN_MS = 1_000

export interface WorkbenchParts {
  readonly storage: Storage
  readonly codec: EventCodec
  readonly validation: Validation
  readonly handlers: HandlerRegistry
  readonly logger: Logger
  readonly clock: Clock
  readonly random: () => number
  readonly options: ResolvedConsumeOptions
  readonly contents: Contents
  readonly recovery: Recovery
  readonly steps: OnceSteps
  readonly attachments: Attachments
  readonly deadLetters: DeadLetters
  /** Aborted when the consumer stops: no handler starts after that. */
  readonly stop: AbortSignal
  readonly newIntake: (parts: IntakeParts) => Intake
}

/** What a consumer has in hand, and the handlers at work on it: from the moment an entry is handed out to the one when it is settled, or lost. */
export class Workbench {
  readonly intake: Intake
  readonly inHand = new InHand()
  readonly unhandled: Unhandled
  readonly #parts: WorkbenchParts
  readonly #lanes = new Lanes()
  readonly #retries: Retries
  readonly #shelf: Shelf
  readonly #settler: Settler
  readonly #handling: HandlingParts
  /** Of what is in hand. */
  readonly #changes = new Changes()
  readonly #reading: Reading
  readonly #room: Room
  readonly #shredded: ShreddedEvents
  #running = 0
  #startedInTurn = 0
  #settled = 0
  #isPaused = false

  constructor(parts: WorkbenchParts) {
    const { clock, random, options, codec, validation, logger, steps, contents, recovery, stop, attachments } = parts
    const { group, consumer } = options
    this.#parts = parts
    this.unhandled = new Unhandled(parts)
    this.intake = this.#newIntake()
    this.#shredded = new ShreddedEvents({ storage: parts.storage, logger, clock })
    this.#retries = new Retries({ clock, stop, onDue: (held) => this.#retry(held) })
    this.#shelf = new Shelf({
      inHand: this.inHand,
      lanes: this.#lanes,
      contents,
      read: async (deliveries) => (await this.intake.held(deliveries)).map((delivery) => attachments.read(delivery))
    })
    this.#reading = new Reading(contents, this.#shelf)
    this.#room = new Room({ options, inHand: this.inHand, lanes: this.#lanes, reading: this.#reading })
    this.#settler = new Settler({
      acknowledge: (deliveries) => this.intake.acknowledge(deliveries),
      settle: (settlements) => settle(settlements, { ...parts, to: this.intake }),
      onSettled: (held, result) => this.#onSettled(held, result),
      onRepeated: (held, repeated) => void warnOfDroppedEffects(held, repeated, parts),
      onFailure: (error) => recovery.after('settle', error)
    })
    const extend = (held: Held) => this.intake.extend(held)
    this.#handling = {
      clock,
      random,
      defaults: options,
      surroundings: { group, consumer, codec, validation, logger, steps, extend }
    }
  }

  #newIntake(): Intake {
    const { storage, options, contents, clock, recovery, stop, attachments, newIntake } = this.#parts
    const read = (deliveries: readonly Delivery[]) => deliveries.map((delivery) => attachments.read(delivery))
    return newIntake({
      storage,
      consumer: options.consumer,
      options,
      clock,
      recovery,
      stop,
      inHand: this.inHand,
      room: () => (this.#isPaused ? 0 : this.#room.left),
      roomChange: () => this.#changes.next(stop),
      ready: (deliveries) => contents.ready(read(deliveries)),
      accept: (deliveries) => this.#accept(read(deliveries)),
      onClaimed: (deliveries) => reportClaimed(storage, options.group, read(deliveries), contents),
      lose: (held, reason) => this.lose(held, reason),
      flush: () => this.flush(),
      resume: () => this.#handleNext()
    })
  }

  /** How many entries were settled here so far. */
  get settled(): number {
    return this.#settled
  }

  /** Asks for nothing more, and starts no handler. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#handleNext()
    this.#changes.tell()
  }

  /** Resolves when no handler runs, or when the signal is aborted. */
  async idle(signal: AbortSignal): Promise<void> {
    while (this.#running > 0 && !signal.aborted) await this.#changes.next(signal)
  }

  /** Resolves when all that ended so far is settled, or rejects with what keeps it from being. */
  flush(): Promise<void> {
    return this.#settler.flush()
  }

  /** It is another's now: what its handler still does here does not count. */
  lose(held: Held, reason: Error): void {
    const { state } = held
    this.inHand.lose(held, reason)
    this.#reading.forget(held)
    if (state === 'ended' || state === 'waiting') this.#room.leave(state)
    if (state === 'waiting') this.#lanes.pass(held)
    this.intake.onOutOfHand(held)
    this.#changes.tell()
  }

  #accept(deliveries: readonly AnyDelivery[]): void {
    for (const delivery of deliveries) {
      const before = this.inHand.get(delivery.messageId)
      if (before !== undefined) {
        this.lose(before, new EventSystemError('delivery_lost', `${delivery.messageId} was handed out anew.`))
      }
      const held = new Held(delivery, this.#parts.contents.of(delivery))
      this.inHand.add(held)
      this.#lanes.add(held)
      if (this.#lanes.isParked(held) && this.#room.isCrowded) this.#shelf.put(held)
    }
    this.#handleNext()
  }

  /** Starts as many handlers as may run, but only so many in one turn of the event loop: what is to be read and acknowledged goes out between two. */
  #handleNext(): void {
    while (this.#running < this.#parts.options.concurrency && this.#mayStart()) {
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
    return !this.#isPaused && !this.#parts.stop.aborted && this.intake.isCertain()
  }

  async #handle(held: Held): Promise<void> {
    const { storage, clock, options, logger } = this.#parts
    try {
      const bringing = this.#reading.bring(held)
      if (bringing !== undefined) await bringing
      const { content } = held
      if (content === undefined) return this.#endWithoutContent(held)
      if (!this.#reading.isReadable(held, content)) return this.#waitToRead(held)
      this.#reading.forget(held)
      if (isShredded(content)) return this.#endShredded(held)
      const started = performance.now()
      const ending = await this.#endingOf(held, content)
      reportEnding({ storage, group: options.group, held, started, clock }, ending)
      this.#end(held, ending)
    } catch (error) {
      logger.error({ err: error, messageId: held.messageId }, 'an event could not be handled; it will be tried again')
      if (held.state === 'gone') this.#lanes.pass(held)
      else this.#waitToRetry(held, clock.now() + ASK_AGAIN_MS)
    } finally {
      this.#running--
      this.#handleNext()
      this.#changes.tell()
    }
  }

  #endingOf(held: Held, content: Content): Ending | Promise<Ending> {
    const { clock, handlers, options } = this.#parts
    if (content.event === undefined) return poison(content.error, clock.now())
    const registrations = handlers.for(content.event.eventType)
    if (registrations.length === 0) this.unhandled.add(content.event.eventType)
    if (held.delivery.attempt > options.maxAttempts * CRASHES_PER_ATTEMPT && registrations.length > 0) {
      return neverFinished(held.delivery.attempt - 1, clock.now())
    }
    return handle(held, content.event, registrations, this.#handling)
  }

  #end(held: Held, ending: Ending): void {
    if (held.state === 'gone') {
      this.#lanes.pass(held)
      return
    }
    const { options, logger } = this.#parts
    const { verdict, errors } = ending
    // Before what it says is put on the shelf.
    const settlement = settlementOf(held, ending, options)
    if (verdict.kind === 'retry') {
      const { messageId } = held
      if (errors.length > 0) logger.warn({ messageId, err: errors[0] }, 'a handler failed; it will be tried again')
      this.#waitToRetry(held, verdict.dueAt)
    } else {
      this.#markEnded(held)
    }
    if (settlement === undefined) this.#settler.acknowledge(held)
    else this.#settler.settle(held, settlement)
  }

  /** Nobody has failed: it counts no attempt. */
  #waitToRead(held: Held): void {
    if (held.state === 'gone') {
      this.#lanes.pass(held)
      return
    }
    this.#reading.putOff(held)
    this.#waitToRetry(held, this.#parts.clock.now() + READ_AGAIN_MS)
  }

  /** Nobody can read it ever again: there is nothing to be handled, and nothing to be kept for an operator. */
  #endShredded(held: Held): void {
    this.#shredded.add(this.#parts.options.group, held.messageId)
    this.#endWithoutContent(held)
  }

  /** It was trimmed while it waited, or it is another's by now, which its acknowledgement will tell. */
  #endWithoutContent(held: Held): void {
    this.#reading.forget(held)
    if (held.state === 'gone') {
      this.#lanes.pass(held)
      return
    }
    this.#markEnded(held)
    this.#settler.acknowledge(held)
  }

  #markEnded(held: Held): void {
    held.state = 'ended'
    this.#room.enter('ended')
    this.#lanes.pass(held)
  }

  #waitToRetry(held: Held, dueAt: number): void {
    held.state = 'waiting'
    this.#room.enter('waiting')
    this.#lanes.block(held)
    if (this.#room.isCrowded) this.#shelf.putLane(held)
    this.#retries.add(held, dueAt)
  }

  #retry(held: Held): void {
    if (held.state !== 'waiting') return
    held.state = 'queued'
    this.#room.leave('waiting')
    this.#lanes.resume(held)
    this.#handleNext()
  }

  #onSettled(held: Held, result: SettlementResult): void {
    if (result.kind === 'lost') {
      this.intake.onLost(held)
      if (held.state !== 'gone') {
        this.lose(
          held,
          new EventSystemError('delivery_lost', `Another consumer has ${held.messageId} now, or its group is gone.`)
        )
      }
      return
    }
    // It is gone already where the log was asked about it in between, and said that nobody has it.
    if (held.state === 'ended') {
      this.#room.leave('ended')
      this.inHand.drop(held)
      this.intake.onOutOfHand(held)
      this.#changes.tell()
    }
    this.#settled++
    if (result.letter !== undefined) this.#tellOf(result.letter)
  }

  #tellOf(letter: DeadLetter): void {
    const { kind, messageId, attempts, lastError } = letter
    const { logger, storage } = this.#parts
    const { message: reason, stack } = lastError
    logger.error({ messageId, kind, attempts, reason, ...(stack && { stack }) }, 'an event went to the dead letters')
    reportDeadLetter(storage, letter)
  }
}
