import { type Event, EventSystemError, type EventType, type StoredEvent } from '@tradpal/events'
import { configure, type EventSystemConfiguration, type EventSystemOptions } from './configuration.ts'
import {
  type ConsumeOptions,
  type ConsumerReport,
  type EventConsumer,
  EventSubscriber,
  type Handler
} from './consume/index.ts'
import { healthOf, type SystemHealth } from './health.ts'
import type { EventLog, MessageId } from './log/index.ts'
import type { PublishOptions } from './publish/index.ts'
import { EventPublisher } from './publish/index.ts'
import { type EventQuery, type EventRange, EventStore, type EventSystemStats, type ReplayPace } from './store/index.ts'

/**
 * The event system of one service: a log, a publisher, a subscriber and a store over it, and their lifetime.
 *
 *     await using system = new EventSystem()
 *     await system.initialize()
 *     await system.publishEvent(createEvent(EventType.TRADING_SIGNAL, { symbol: 'BTC/USDT', signal: 'BUY' }))
 */
export class EventSystem {
  /** The parts on their own. Usable between `initialize()` and `close()`. */
  readonly log: EventLog
  readonly publisher: EventPublisher
  readonly subscriber: EventSubscriber
  readonly store: EventStore
  readonly #configuration: EventSystemConfiguration
  #state: 'new' | 'open' | 'closed' = 'new'
  #closing: Promise<ConsumerReport> | undefined

  /** Throws `invalid_options`. Touches nothing before `initialize()`. */
  constructor(options: EventSystemOptions = {}) {
    this.#configuration = configure(options)
    const { log, timeoutMs, consumerGroup, logger, clock } = this.#configuration
    this.log = log
    this.publisher = new EventPublisher({ log, timeoutMs })
    this.subscriber = new EventSubscriber({ log, consumerGroup, logger, clock })
    this.store = new EventStore({ log, clock })
  }

  /** Opens the log. Idempotent. Rejects with `log_unavailable`, `log_incompatible`, …; may be tried again after that. */
  async initialize(): Promise<void> {
    if (this.#state === 'open') return
    if (this.#state === 'closed') throw new EventSystemError('closed', 'The event system is closed; make a new one.')
    await this.log.start()
    this.#state = 'open'
  }

  /** Publishes one event: {@link EventPublisher.publishEvent}. */
  async publishEvent(event: Event): Promise<MessageId> {
    this.#mustBeOpen('publishEvent()')
    return this.publisher.publishEvent(event)
  }

  /** Publishes events as one unit: {@link EventPublisher.publishBatch}. */
  async publishBatch(events: readonly Event[], options?: PublishOptions): Promise<MessageId[]> {
    this.#mustBeOpen('publishBatch()')
    return this.publisher.publishBatch(events, options)
  }

  /** Registers a handler for a type, for several, or for all (`'*'`): {@link EventSubscriber.registerHandler}. */
  registerHandler<T extends EventType>(types: T | readonly T[], handler: Handler<T>): () => void
  registerHandler(types: string | readonly string[], handler: Handler): () => void
  registerHandler(types: string | readonly string[], handler: Handler<never>): () => void {
    return this.subscriber.registerHandler(types, handler as Handler)
  }

  /** Joins a consumer group and resolves once it is consuming: {@link EventSubscriber.startConsuming}. */
  async startConsuming(options?: ConsumeOptions): Promise<EventConsumer> {
    this.#mustBeOpen('startConsuming()')
    return this.subscriber.startConsuming(options)
  }

  /**
   * Hands the events of a range, in log order, to `handler`, or to the registered handlers when none is given, and
   * resolves to how many. It touches no consumer group and acknowledges nothing. An error of a handler ends it.
   */
  async replayEvents(
    range: EventRange = {},
    handler?: (event: StoredEvent) => unknown,
    pace?: ReplayPace
  ): Promise<number> {
    this.#mustBeOpen('replayEvents()')
    return this.store.replayEvents(range, handler ?? ((event) => this.subscriber.handleReplayed(event)), pace)
  }

  /** Up to `limit` events of a query: {@link EventStore.getEvents}. */
  async getEvents(query?: EventQuery): Promise<StoredEvent[]> {
    this.#mustBeOpen('getEvents()')
    return this.store.getEvents(query)
  }

  /** Any number of events, in constant memory: {@link EventStore.readEvents}. */
  readEvents(range?: EventRange): AsyncIterable<StoredEvent> {
    this.#mustBeOpen('readEvents()')
    return this.store.readEvents(range)
  }

  /** What the log holds and how its groups stand. */
  async getStats(): Promise<EventSystemStats> {
    this.#mustBeOpen('getStats()')
    return this.store.stats()
  }

  /** How the system is. Never rejects. */
  async health(): Promise<SystemHealth> {
    return healthOf(this.log, this.#state === 'open', this.subscriber.consumers)
  }

  /**
   * Finishes what was accepted and closes the log, in at most about `timeoutMs` (default 10,000). Says what it left.
   * Idempotent; `await using` calls it.
   */
  close(options: { timeoutMs?: number } = {}): Promise<ConsumerReport> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(options: { timeoutMs?: number }): Promise<ConsumerReport> {
    this.#state = 'closed'
    const report = await this.subscriber.close(options)
    await this.publisher.close()
    await this.log.close(options)
    return report
  }

  #mustBeOpen(call: string): void {
    if (this.#state === 'open') return
    if (this.#state === 'closed') throw new EventSystemError('closed', `${call} came after close().`)
    throw new EventSystemError('not_started', `${call} came before initialize(); await system.initialize() first.`)
  }
}
