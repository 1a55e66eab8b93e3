import {
  type Clock,
  EventSystemError,
  type EventTypeFilter,
  type OptionNames,
  onlyOptions,
  type StoredEvent,
  systemClock,
  type Validation
} from '@tradpal/events'
import { type EventCodec, plainCodec, type TextVault } from '../codec/index.ts'
import { DeadLetters } from '../dead-letters/index.ts'
import { mustCombine, type Storage } from '../log/index.ts'
import { type Logger, type LoggerOption, loggerOf, mustBeLog, Occurrences } from '../runtime/index.ts'
import { type ConsumerReport, EventConsumer } from './consumer.ts'
import { type Accepted, type Handler, type HandlerOptions, HandlerRegistry } from './handlers.ts'
import { type ConsumeOptions, resolveConsumeOptions } from './options.ts'
import { replayTo } from './replay.ts'
import { SETTLING_PARTS } from './settling.ts'

export interface EventSubscriberOptions {
  /** A started log. The subscriber does not close it. */
  readonly storage: Storage
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  /** Seals what is kept beside the events, where the log is encrypted. Default: nothing is sealed. */
  readonly vault?: TextVault | undefined
  /** How long a group remembers the steps that were taken, at least, in ms. Default 86,400,000: a day. */
  readonly ledgerRetentionMs?: number
  /** How the data of what handlers publish are checked. Default `strict`. */
  readonly validation?: Validation
  /** The group of a consumer that names none. Default `tradpal_consumers`. */
  readonly consumerGroup?: string
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr ({@link stderrLogger}). */
  readonly logger?: LoggerOption
  readonly clock?: Clock
  /** Spreads the retries. Default Math.random. */
  readonly random?: () => number
}

const LEDGER_RETENTION_MS = 86_400_000

const OPTIONS: OptionNames<EventSubscriberOptions> = {
  storage: true,
  codec: true,
  vault: true,
  ledgerRetentionMs: true,
  validation: true,
  consumerGroup: true,
  logger: true,
  clock: true,
  random: true
}

/**
 * Handlers, and the consumer groups that feed them.
 *
 *     const subscriber = new EventSubscriber({ log })
 *     subscriber.registerHandler(EventType.TRADING_SIGNAL, async (event) => trade(event.data.symbol))
 *     await subscriber.startConsuming({ group: 'brokers' })
 */
export class EventSubscriber {
  readonly handlers = new HandlerRegistry()
  readonly #options: Required<EventSubscriberOptions> & { readonly logger: Logger }
  readonly #passedOver: Occurrences
  readonly #deadLetters: DeadLetters
  #consumers: readonly EventConsumer[] = []
  #closed = false

  /** Throws `invalid_options`. */
  constructor(options: EventSubscriberOptions) {
    onlyOptions('EventSubscriber', options, OPTIONS)
    mustBeLog(options.storage)
    this.#options = {
      codec: plainCodec,
      vault: undefined,
      ledgerRetentionMs: LEDGER_RETENTION_MS,
      validation: 'strict',
      consumerGroup: 'tradpal_consumers',
      clock: systemClock,
      random: Math.random,
      ...options,
      logger: loggerOf(options.logger)
    }
    this.#passedOver = new Occurrences(this.#options.clock)
    this.#deadLetters = new DeadLetters(this.#options)
  }

  /**
   * Registers a handler for one type, several, or all (`'*'`); several handlers of a type all run. Returns the function that takes it back.
   * A warning tells of events of the type that a consumer acknowledged before: it had no handler for them.
   */
  registerHandler<T extends string, A extends Accepted = 'valid'>(
    types: EventTypeFilter<T>,
    handler: Handler<T, A>,
    options?: HandlerOptions<A>
  ): () => void {
    const unregister = this.handlers.register(types, handler, options)
    for (const consumer of this.#consumers) consumer.warnOfLateHandlers()
    return unregister
  }

  /**
   * Joins a group and resolves once it is consuming. May be called for several groups: each hands every event to the
   * handlers. Rejects with `invalid_options`, also while no handler is registered, with `closed` after {@link close}, with `unsupported` over a storage that cannot settle deliveries in one step, and with what the log says.
   */
  async startConsuming(options: ConsumeOptions = {}): Promise<EventConsumer> {
    if (this.#closed) throw new EventSystemError('closed', 'The subscriber is closed; consume before close().')
    const { consumerGroup, ...parts } = this.#options
    const resolved = resolveConsumeOptions(options, consumerGroup)
    mustCombine(parts.storage, 'A consumer group with dead letters', SETTLING_PARTS)
    if (this.handlers.size === 0) {
      throw new EventSystemError(
        'invalid_options',
        'startConsuming() came before any registerHandler(): the group would acknowledge every event without handling it. Register a handler first.'
      )
    }
    const consumer = new EventConsumer({ ...parts, handlers: this.handlers, deadLetters: this.#deadLetters }, resolved)
    const starting = consumer.start()
    this.#consumers = [...this.#consumers.filter(({ isConsuming }) => isConsuming), consumer]
    await starting.catch((error) => {
      this.#consumers = this.#consumers.filter((other) => other !== consumer)
      throw error
    })
    return consumer
  }

  /** Hands a replayed event, as it is stored, to the handlers of its type, in the caller's time: no group, no retry, nothing acknowledged. */
  async handleReplayed(event: StoredEvent): Promise<void> {
    const report = { logger: this.#options.logger, occurrences: this.#passedOver }
    await replayTo(event, this.handlers.for(event.eventType), report)
  }

  /** How many consumers run. */
  get consumers(): number {
    return this.#consumers.filter(({ isConsuming }) => isConsuming).length
  }

  /** A sentence for each reason why events wait to be read: a key that is not there. */
  get missed(): readonly string[] {
    return [...new Set(this.#consumers.flatMap(({ missed }) => missed))]
  }

  /** Closes every consumer, at most `timeoutMs` for all together. Idempotent. */
  async close(options: { timeoutMs?: number } = {}): Promise<ConsumerReport> {
    onlyOptions('close()', options, { timeoutMs: true })
    this.#closed = true
    const reports = await Promise.all(this.#consumers.map((consumer) => consumer.close(options)))
    return {
      handedBack: reports.reduce((sum, { handedBack }) => sum + handedBack, 0),
      unfinished: reports.reduce((sum, { unfinished }) => sum + unfinished, 0)
    }
  }
}
