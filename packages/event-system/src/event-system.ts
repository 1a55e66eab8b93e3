import {
  type Answer,
  type Event,
  EventSystemError,
  type EventTypeFilter,
  isRetryable,
  onlyOptions,
  type PublishReceipt,
  type StreamEvent
} from '@tradpal/events'
import type { ShredOptions, ShredReport } from './codec/index.ts'
import {
  type AuditLog,
  configure,
  type EventSystemConfiguration,
  type EventSystemOptions,
  LONGEST_TIMEOUT_MS,
  warnOfMisspelt
} from './configuration/index.ts'
import {
  type Accepted,
  type ConsumeOptions,
  type ConsumerReport,
  type EventConsumer,
  EventPuller,
  EventSubscriber,
  type Handler,
  type HandlerOptions
} from './consume/index.ts'
import { Health, type SystemHealth } from './health.ts'
import { openWhenThere } from './late-log.ts'
import type { MessageId, Storage } from './log/index.ts'
import { LogWarnings } from './log-warnings.ts'
import {
  DeadLetterOffice,
  GroupOffice,
  type RekeyOptions,
  type RekeyReport,
  rekey,
  shredSubject
} from './operate/index.ts'
import { EventPublisher, type PublishOptions, type PublishTransaction, type SpoolStats } from './publish/index.ts'
import { causeOfThisCall, endedWithin } from './runtime/index.ts'
import {
  type EventPage,
  type EventQuery,
  type EventRange,
  EventStore,
  type EventSystemStats,
  onlyRange,
  type ReplayPace,
  Retention,
  type StreamOptions
} from './store/index.ts'

/** In `close()` consumers hand back what their handlers had not begun, and a log ends its calls, after their time is up: each may take so long beyond it, in ms. */
const LAST_CALLS_MS = 500

/**
 * The event system of one service: a log, a publisher, a subscriber and a store over it, and their lifetime.
 *
 *     await using system = new EventSystem()
 *     await system.initialize()
 *     await system.publishEvent(createEvent(EventType.TRADING_SIGNAL, { symbol: 'BTC/USDT', signal: 'BUY' }))
 */
export class EventSystem {
  /** The parts on their own, over the same log. Usable between `initialize()` and `close()`. */
  readonly storage: Storage
  readonly publisher: EventPublisher
  readonly subscriber: EventSubscriber
  readonly store: EventStore
  readonly puller: EventPuller
  /** What consumer groups gave up on, for the operator. */
  readonly deadLetters: DeadLetterOffice
  /** The consumer groups themselves, for the operator. */
  readonly groups: GroupOffice
  /** What the log keeps: enforced by itself when the options say what, and on demand. */
  readonly retention: Retention
  readonly #configuration: EventSystemConfiguration
  readonly #warnings: LogWarnings
  readonly #health: Health
  #state: 'new' | 'open' | 'closing' | 'closed' = 'new'
  readonly #ending = new AbortController()
  #opening: Promise<void> | undefined
  #closing: Promise<ConsumerReport> | undefined

  /** Throws `invalid_options`. Touches nothing before `initialize()`, but for reading the files of keys where there are some. */
  constructor(options: EventSystemOptions = {}) {
    this.#configuration = configure(options)
    const {
      storage,
      timeoutMs,
      consumerGroup,
      healthBounds,
      maxGroups,
      publishing,
      ledgerRetentionMs,
      encryption,
      logger,
      clock
    } = this.#configuration
    warnOfMisspelt(this.#configuration.misspelt, logger)
    this.storage = storage
    this.publisher = new EventPublisher({ storage, timeoutMs, logger, clock, ...publishing })
    this.#warnings = new LogWarnings({ storage, clock, logger })
    this.#health = new Health({
      storage,
      clock,
      bounds: healthBounds,
      publisher: this.publisher,
      missed: () => [...new Set([...this.subscriber.missed, ...this.puller.missed])],
      warnings: this.#warnings
    })
    const { codec, validation } = publishing
    const vault = encryption?.vault
    this.subscriber = new EventSubscriber({
      storage,
      codec,
      vault,
      ledgerRetentionMs,
      validation,
      consumerGroup,
      logger,
      clock
    })
    this.store = new EventStore({ storage, codec, clock })
    this.puller = new EventPuller({ storage, codec, vault, logger, clock, maxGroups })
    this.deadLetters = new DeadLetterOffice({ storage, codec, vault, clock })
    this.groups = new GroupOffice({ storage, vault, clock })
    this.retention = new Retention({ storage, clock, logger, policy: options.retention })
  }

  /**
   * Opens the log. Idempotent. Rejects with `log_unavailable`, `log_incompatible`, …; may be tried again after that. With a
   * spool it resolves also while the log is away: what is published goes there, and the log is opened when it is there.
   */
  async initialize(): Promise<void> {
    if (this.#closing !== undefined) {
      throw new EventSystemError('closed', 'The event system is closed; make a new one.')
    }
    this.#opening ??= this.#open()
    await this.#opening
  }

  async #open(): Promise<void> {
    try {
      await this.storage.start().catch((error) => this.#openLater(error))
      await this.publisher.start()
    } catch (error) {
      this.#opening = undefined
      throw error
    }
    if (this.#state !== 'new') throw new EventSystemError('closed', 'close() came before initialize() was done.')
    this.#state = 'open'
    this.#configuration.encryption?.start()
    this.#configuration.signing?.start()
    this.retention.start()
    void this.#warnings.current()
  }

  /** Only who has a spool meanwhile waits for it. */
  #openLater(error: unknown): void {
    const { publishing, clock, logger } = this.#configuration
    if (publishing.spool === undefined || !isRetryable(error)) throw error
    void openWhenThere({ storage: this.storage, clock, logger, stop: this.#ending.signal }, error)
  }

  /** Publishes one event: {@link EventPublisher.publishEvent}. */
  async publishEvent(event: Event): Promise<MessageId> {
    this.#mustBeOpen('publishEvent()')
    return this.publisher.publishEvent(event)
  }

  /** As {@link publishEvent}, with the whole receipt: whether it is in the log or in the spool, the ids, and whether it was a duplicate. */
  async publish(event: Event, options?: PublishOptions): Promise<PublishReceipt> {
    this.#mustBeOpen('publish()')
    return this.publisher.publish(event, options)
  }

  /** Publishes events as one unit: {@link EventPublisher.publishBatch}. */
  async publishBatch(events: readonly Event[], options?: PublishOptions): Promise<MessageId[]> {
    this.#mustBeOpen('publishBatch()')
    return this.publisher.publishBatch(events, options)
  }

  /** Publishes what a piece of work publishes as one unit, when it is done: {@link EventPublisher.transaction}. */
  async transaction(
    work: (transaction: PublishTransaction) => unknown,
    options?: PublishOptions
  ): Promise<PublishReceipt[]> {
    this.#mustBeOpen('transaction()')
    return this.publisher.transaction(work, options)
  }

  /** How many events were published with this `streamKey`: 0 when none ever was. Rejects with `invalid_argument`. */
  async versionOf(streamKey: string): Promise<number> {
    this.#mustBeOpen('versionOf()')
    return this.storage.log.versionOf(streamKey)
  }

  /** The events that were published with a stream key, in the order of their versions: {@link EventStore.readStream}. */
  readStream<Raw extends boolean = false>(
    streamKey: string,
    options?: StreamOptions<Raw>
  ): AsyncIterable<StreamEvent<Raw>> {
    this.#mustBeOpen('readStream()')
    return this.store.readStream(streamKey, options)
  }

  /** Registers a handler for a type, for several, or for all (`'*'`): {@link EventSubscriber.registerHandler}. */
  registerHandler<T extends string, A extends Accepted = 'valid'>(
    types: EventTypeFilter<T>,
    handler: Handler<T, A>,
    options?: HandlerOptions<A>
  ): () => void {
    return this.subscriber.registerHandler(types, handler, options)
  }

  /** Joins a consumer group and resolves once it is consuming: {@link EventSubscriber.startConsuming}. */
  async startConsuming(options?: ConsumeOptions): Promise<EventConsumer> {
    this.#mustBeOpen('startConsuming()')
    return this.subscriber.startConsuming(options)
  }

  /**
   * Hands the events of a range, in log order or in the order of event times, to `handler`, or to the registered handlers when none is
   * given, and resolves to how many. It touches no consumer group and acknowledges nothing. An error of a handler ends it. Registered
   * handlers that accept only valid events are passed over where the data are not valid.
   */
  async replayEvents<T extends string = string, Raw extends boolean = false>(
    range: EventRange<T, Raw> = {},
    handler?: (event: Answer<NoInfer<T>, Raw>) => unknown,
    pace?: ReplayPace
  ): Promise<number> {
    this.#mustBeOpen('replayEvents()')
    if (handler !== undefined) return this.store.replayEvents(range, handler, pace)
    onlyRange('replayEvents()', range)
    return this.store.replayEvents({ ...range, raw: true }, (event) => this.subscriber.handleReplayed(event), pace)
  }

  /** How many events a range has: {@link EventStore.countEvents}. */
  async countEvents(range?: EventRange, options?: { readonly signal?: AbortSignal }): Promise<number> {
    this.#mustBeOpen('countEvents()')
    return this.store.countEvents(range, options)
  }

  /** Up to `limit` events of a query: {@link EventStore.getEvents}. */
  async getEvents<T extends string = string, Raw extends boolean = false>(
    query?: EventQuery<T, Raw>
  ): Promise<Answer<T, Raw>[]> {
    this.#mustBeOpen('getEvents()')
    return this.store.getEvents(query)
  }

  /** The events of a query, and where the next query goes on: {@link EventStore.getPage}. */
  async getPage<T extends string = string, Raw extends boolean = false>(
    query?: EventQuery<T, Raw>
  ): Promise<EventPage<Answer<T, Raw>>> {
    this.#mustBeOpen('getPage()')
    return this.store.getPage(query)
  }

  /** Any number of events, in constant memory: {@link EventStore.readEvents}. */
  readEvents<T extends string = string, Raw extends boolean = false>(
    range?: EventRange<T, Raw>
  ): AsyncIterable<Answer<T, Raw>> {
    this.#mustBeOpen('readEvents()')
    return this.store.readEvents(range)
  }

  /** What the log holds and how its groups stand, and what waits in the spool: `null` without one. */
  async getEventStats(): Promise<EventSystemStats & { readonly spool: SpoolStats | null }> {
    this.#mustBeOpen('getEventStats()')
    const [stats, { spool }] = await Promise.all([this.store.getEventStats(), this.publisher.state()])
    return { ...stats, spool: spool ?? null }
  }

  /**
   * Encrypts anew, with the current key, what older ones encrypted, and says which of them are still needed. What was done
   * stays when it is cut short, and is not done again. Rejects with `invalid_options` where there are no keys.
   */
  async rekey(options: RekeyOptions = {}): Promise<RekeyReport> {
    this.#mustBeOpen('rekey()')
    return rekey({ ...this.#configuration, codec: this.#configuration.publishing.codec }, options)
  }

  /**
   * Erases the events of a subject for good, by destroying its key: {@link EncryptionOptions.keyFor} says whose an event is. When it
   * resolves, no process over the log reads or publishes another of them. Given again, it says when that was done. Rejects with
   * `not_found` for a subject that never had an event, with `invalid_argument`, and with `invalid_options` where there are no keys.
   */
  async shred(subject: string, options: ShredOptions): Promise<ShredReport> {
    this.#mustBeOpen('shred()')
    return shredSubject(subject, options, this.#configuration)
  }

  /**
   * A log beside the log, for what was done with that: in Redis the stream `<streamName>:audit`, embedded the file
   * `<logPath>.audit.db`. Each call makes a handle of its own. Throws `unsupported` for a system over a log of your own.
   */
  auditLog(): AuditLog {
    const { auditLog } = this.#configuration
    if (auditLog !== undefined) return auditLog()
    throw new EventSystemError('unsupported', 'A log of your own has no audit log beside it: there is none to open.')
  }

  /** How the system is. Never rejects. */
  async healthCheck(): Promise<SystemHealth> {
    return this.#health.of(this.#state === 'open', this.subscriber.consumers)
  }

  /**
   * Finishes what was accepted and closes the log, in at most about `timeoutMs` (default 10,000), whatever the handlers and
   * the log do. Says what it left; rejects with `log_timeout` when a log that answers nothing keeps that from being
   * known, and with `invalid_options` and `invalid_argument`. Idempotent; `await using` calls it.
   */
  async close(options: { timeoutMs?: number } = {}): Promise<ConsumerReport> {
    onlyOptions('close()', options, { timeoutMs: true })
    const { timeoutMs = 10_000 } = options
    if (!(timeoutMs >= 0 && timeoutMs <= LONGEST_TIMEOUT_MS)) {
      throw new EventSystemError(
        'invalid_argument',
        `timeoutMs of close() must be from 0 to ${LONGEST_TIMEOUT_MS}, got ${timeoutMs}.`
      )
    }
    this.#closing ??= this.#close(performance.now() + timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(deadline: number): Promise<ConsumerReport> {
    const leftMs = () => Math.max(0, Math.ceil(deadline - performance.now()))
    this.#ending.abort()
    this.#configuration.encryption?.close()
    this.#configuration.signing?.close()
    this.#state = this.#state === 'open' ? 'closing' : 'closed'
    await endedWithin(leftMs(), this.#opening)
    const consumers = this.subscriber.close({ timeoutMs: leftMs() })
    await endedWithin(leftMs() + LAST_CALLS_MS, consumers)
    this.#state = 'closed'
    await endedWithin(leftMs(), this.publisher.close())
    await endedWithin(leftMs(), this.retention.close())
    const log = this.storage.close({ timeoutMs: leftMs() })
    // A closed log ends the calls that consumers still wait for.
    if (!(await endedWithin(leftMs() + LAST_CALLS_MS, Promise.allSettled([log, consumers])))) {
      throw new EventSystemError(
        'log_timeout',
        `The log at ${this.storage.location} did not end its calls in time; what the consumers have left is unknown.`
      )
    }
    await log
    return consumers
  }

  #mustBeOpen(call: string): void {
    if (this.#state === 'open') return
    if (this.#state === 'new') {
      throw new EventSystemError('not_started', `${call} came before initialize(); await system.initialize() first.`)
    }
    // A handler that runs when closing begins is to finish its work.
    if (this.#state === 'closing' && causeOfThisCall() !== undefined) return
    throw new EventSystemError('closed', `${call} came after close().`)
  }
}
