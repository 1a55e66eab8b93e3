import { type Event, EventSystemError, isRetryable, type Validation } from '@tradpal/events'
import { assertEncodable, copyOf, type EventCodec, entryOf, entryOfStamped, stampedEvent } from '../codec/index.ts'
import type { AppendEntry } from '../log/index.ts'
import type { Logger } from '../runtime/index.ts'
import type { Fetcher } from './fetcher.ts'
import type { Held } from './held.ts'
import type { OnceSteps } from './once-steps.ts'

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
   * `publishEvent()` would reject with, and `delivery_lost` after the handler's end. The key of a customer is asked for when the
   * handler is done: it counts as failed for good where that is `shredded`, and is run again, uncounted, where the log does not say.
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
  /** Of what handlers publish. */
  readonly validation: Validation
  readonly steps: OnceSteps
  readonly fetcher: Pick<Fetcher, 'extend'>
}

/** The context of one run of one handler. */
export class RunContext implements HandlerContext {
  readonly attempt: number
  readonly #held: Held
  readonly #event: Event
  readonly #handler: string
  readonly #surroundings: Surroundings
  #staged: (AppendEntry | Event)[] | undefined
  #lacksKeys = false
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
    await this.#surroundings.fetcher.extend(this.#held)
  }

  publish(event: Event): void {
    this.#mustCount('publish()')
    this.#staged ??= []
    this.#staged.push(this.#stage(event))
  }

  async once<Result>(name: string, step: () => Result | Promise<Result>): Promise<Result> {
    this.#mustCount('once()')
    const { eventId } = this.#event
    const { payload } = this.#held.delivery
    return this.#surroundings.steps.once({ eventId, payload }, `once:${this.#handler}:${name}`, step)
  }

  #stage(event: Event): AppendEntry | Event {
    const { codec, validation } = this.#surroundings
    if (codec.prepareEncoding === undefined) return entryOf(event, codec, validation)
    const stamped = stampedEvent(event, validation)
    const bringing = codec.prepareEncoding([stamped])
    if (bringing === undefined) return entryOfStamped(stamped, codec)
    // It is asked for again at the end, when it counts.
    bringing.catch(() => {})
    assertEncodable(stamped, codec)
    this.#lacksKeys = true
    return copyOf(stamped)
  }

  /**
   * What the handler published: a promise only where keys have to be brought. What it does from here on does not count. Rejects
   * with `key_missing` and `shredded`.
   */
  end(): readonly AppendEntry[] | Promise<readonly AppendEntry[]> {
    this.#hasEnded = true
    if (this.#lacksKeys) return this.#encoded(this.#staged ?? [])
    return (this.#staged ?? []) as readonly AppendEntry[]
  }

  async #encoded(staged: readonly (AppendEntry | Event)[]): Promise<readonly AppendEntry[]> {
    const { codec } = this.#surroundings
    try {
      await codec.prepareEncoding?.(staged.filter((one) => 'data' in one))
    } catch (error) {
      if (!isRetryable(error)) throw error
      const message = `The key for what the handler published could not be had: ${error.message}`
      throw new EventSystemError('key_missing', message, { cause: error })
    }
    return staged.map((one) => ('data' in one ? entryOfStamped(one, codec) : one))
  }

  /** The handler failed: nothing of what it did here counts. */
  abandon(): void {
    this.#hasEnded = true
  }

  /** From here on `signal` is one that {@link outOfTime} aborts. */
  limitTime(): void {
    this.#timeIsUp = new AbortController()
  }

  outOfTime(error: Error): void {
    this.abandon()
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
