import { type Event, EventSystemError } from '@tradpal/events'
import { type EventCodec, entryOf } from '../codec/index.ts'
import type { AppendEntry } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { Held } from './held.ts'
import type { Steps } from './steps.ts'

/** What a handler knows about the delivery of its event, and what it can do about it. */
export interface HandlerContext {
  readonly messageId: string
  readonly group: string
  readonly consumer: string
  /** 1 when this handler gets the event for the first time. */
  readonly attempt: number
  /**
   * With `ordering: 'key'`: greater for whoever handles the events of this key later. Give it to what keeps effects
   * elsewhere, and let that refuse a smaller one than it has seen. With `none`: how many times the event was handed out.
   */
  readonly fencingToken: number
  /** Aborted when this consumer has lost the event to another, when the handler's time is up, or when closing has run out of time: what is done after that does not count. */
  readonly signal: AbortSignal
  /** Writes with the message id, the event's id and type, group, consumer and handler. */
  readonly logger: Logger
  /** Says that this consumer still works on the event, which it says by itself for as long as its process lives. Rejects with `delivery_lost` when another has the event. */
  extend(): Promise<void>
  /**
   * Holds an event until the handler is done, and then appends it in one atomic step with the end of the handling: exactly
   * once, also when this process dies at any moment, and not at all when the handler fails. Throws at once what
   * `publishEvent()` would reject with, and `delivery_lost` after the handler's end.
   */
  publish(event: Event): void
  /**
   * Runs a step of this handler at most once for this event, and resolves to what it returned, also on a later attempt and
   * in another process: that is kept, as JSON, for as long as the log keeps its ledger. A step that throws counts as not
   * run. Rejects with `step_interrupted` when a crash cut the step off, so that nobody knows how far it came.
   */
  once<Result>(name: string, step: () => Result | Promise<Result>): Promise<Result>
}

/** Who handles, in what. */
export interface Surroundings {
  readonly group: string
  readonly consumer: string
  readonly logger: Logger
  readonly codec: EventCodec
  readonly steps: Steps
  readonly extend: (held: Held) => Promise<void>
}

/** The context of one run of one handler. */
export class RunContext implements HandlerContext {
  readonly attempt: number
  readonly #held: Held
  readonly #event: Event
  readonly #handler: string
  readonly #surroundings: Surroundings
  #staged: AppendEntry[] | undefined
  #hasEnded = false
  #timeIsUp: AbortController | undefined
  #signal: AbortSignal | undefined

  constructor(held: Held, event: Event, handler: string, attempt: number, surroundings: Surroundings) {
    this.attempt = attempt
    this.#held = held
    this.#event = event
    this.#handler = handler
    this.#surroundings = surroundings
  }

  get messageId(): string {
    return this.#held.messageId
  }

  get group(): string {
    return this.#surroundings.group
  }

  get consumer(): string {
    return this.#surroundings.consumer
  }

  get fencingToken(): number {
    return this.#held.delivery.epoch ?? this.#held.delivery.attempt
  }

  get signal(): AbortSignal {
    if (this.#timeIsUp === undefined) return this.#held.signal
    this.#signal ??= AbortSignal.any([this.#held.signal, this.#timeIsUp.signal])
    return this.#signal
  }

  get logger(): Logger {
    const { messageId, eventId, eventType } = { ...this.#event, messageId: this.messageId }
    return this.#surroundings.logger.child({ messageId, eventId, eventType, handler: this.#handler })
  }

  async extend(): Promise<void> {
    this.#mustCount('extend()')
    await this.#surroundings.extend(this.#held)
  }

  publish(event: Event): void {
    this.#mustCount('publish()')
    this.#staged ??= []
    this.#staged.push(entryOf(event, this.#surroundings.codec))
  }

  async once<Result>(name: string, step: () => Result | Promise<Result>): Promise<Result> {
    this.#mustCount('once()')
    return this.#surroundings.steps.once(this.#event.eventId, `once:${this.#handler}:${name}`, step)
  }

  /** What the handler published. What it does from here on does not count. */
  end(): readonly AppendEntry[] {
    this.#hasEnded = true
    return this.#staged ?? []
  }

  /** From here on `signal` is one that {@link outOfTime} aborts. */
  limitTime(): void {
    this.#timeIsUp = new AbortController()
  }

  outOfTime(error: Error): void {
    this.end()
    this.#timeIsUp?.abort(error)
  }

  #mustCount(call: string): void {
    if (this.#held.lostBecause !== undefined) throw this.#held.lostBecause
    if (this.#hasEnded) {
      throw new EventSystemError(
        'delivery_lost',
        `${call} came after the handler ${this.#handler} was done: await it there.`
      )
    }
  }
}
