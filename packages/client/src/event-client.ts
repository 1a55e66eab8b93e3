import type * as Api from '@tradpal/event-api'
import {
  type Answer,
  answerOf,
  type Event,
  EventSystemError,
  encodeEvent,
  encodeJsonArray,
  type Lineage,
  onlyOptions,
  type PublishReceipt,
  type Rate,
  type ReadOptions,
  type StoredEvent,
  type StreamEvent
} from '@tradpal/events'
import {
  type EventStats,
  eventSchemasOf,
  eventStatsOf,
  eventTypesOf,
  type HealthReport,
  healthReportOf,
  lineageOf,
  ratesOf,
  receiptOf,
  receiptsOf,
  replayedCountOf,
  storedEvent,
  storedEvents,
  storedPage,
  type TrimReport,
  trimReportOf,
  versionOf
} from './answers/index.ts'
import { AuditTrail } from './audit.ts'
import { type ConsumeHandler, type ConsumeOptions, resolveConsumeOptions } from './consume-options.ts'
import { Consumption } from './consumption.ts'
import { ConveniencePublishers } from './convenience-publishers.ts'
import { DeadLetters } from './dead-letters.ts'
import { Groups } from './groups.ts'
import { ApiKeys } from './keys.ts'
import { type EventClientOptions, resolveClientOptions, waitMs } from './options.ts'
import { assertId, assertList, type PublishOptions, publication } from './publishing.ts'
import {
  type EventPage,
  type EventQuery,
  idSegment,
  mustBeSignal,
  QUERY_OPTIONS,
  queryOf,
  RANGE_OPTIONS,
  rangeParameters
} from './query.ts'
import { type RateQuery, ratesRequest } from './rates.ts'
import { replayedEvents } from './replay-stream.ts'
import { type CountOptions, replaying, type StreamReplayOptions, speedOf } from './replaying.ts'
import { type StreamOptions, streamEvents } from './stream-reading.ts'
import { SUBSCRIBE_OPTIONS, type SubscribeOptions, Subscription } from './subscription.ts'
import { type ServiceRequest, Transport } from './transport.ts'
import { type TrimRequest, trimming } from './trimming.ts'

/**
 * The event service, over HTTP.
 *
 *     await using client = new EventClient({ url: 'http://localhost:8011' })
 *     const messageId = await client.publishMarketData('BTC/USDT', { price: 45000, volume: 100 })
 *     const signals = await client.getEvents({ eventType: 'trading_signal', limit: 10 })
 *
 * Every call rejects with an `EventSystemError`: `service_unavailable` when the service cannot be reached,
 * `service_timeout` when it does not answer in time, a `ServiceError` with the service's own code when it refuses, and
 * `closed` after `close()`. What may pass (the service cannot be reached or is late, 408, 429, 502, 503, 504) is tried
 * again with a backoff, or when the service's Retry-After says, where another attempt does no harm.
 */
export class EventClient extends ConveniencePublishers implements AsyncDisposable {
  readonly #transport: Transport
  readonly #subscriptions = new Set<Pick<Subscription, 'close'>>()
  readonly #consumptions = new Set<Consumption>()
  #closed = false
  /** The entries that consumer groups gave up on. */
  readonly deadLetters: DeadLetters
  readonly groups: Groups
  readonly keys: ApiKeys
  /** Who did what. */
  readonly audit: AuditTrail

  /** Rejects nothing later that it can refuse now: throws `invalid_options`. It connects with the first call. */
  constructor(options: EventClientOptions = {}) {
    super()
    this.#transport = new Transport(resolveClientOptions(options))
    this.deadLetters = new DeadLetters(this.#transport)
    this.groups = new Groups(this.#transport)
    this.keys = new ApiKeys(this.#transport)
    this.audit = new AuditTrail(this.#transport)
  }

  /**
   * Publishes an event and resolves to its message id. The event carries its id into every attempt, so that the service's
   * deduplication knows it again: a publish that was tried twice is one event. Rejects with `not_representable` before
   * anything is sent, and with `event_id_conflict` when the id was published before with another type or other data.
   */
  async publishEvent(event: Event): Promise<string> {
    return (await this.publish(event)).messageId
  }

  /** {@link EventClient.publishEvent} with the whole receipt: whether the event is in the log or in the service's spool, and whether it was there already. */
  async publish(event: Event, options: PublishOptions = {}): Promise<PublishReceipt> {
    assertId(event)
    return await this.#transport.json(publication('/events', encodeEvent(event), options), receiptOf)
  }

  /**
   * Publishes all of the events or none and resolves to their message ids, in order. Tried again like one event. An error
   * about one of them has its `index`. With `event_id_conflict` its `conflicts` are the indexes of the events that were not written,
   * because their event ids stand for other events; every other event of the batch is in the log.
   */
  async publishBatch(events: readonly Event[], options: PublishOptions = {}): Promise<string[]> {
    return (await this.publishAll(events, options)).map(({ messageId }) => messageId)
  }

  /** {@link EventClient.publishBatch} with the receipts, which say what was there already. All have the same status, and none has a version. */
  async publishAll(events: readonly Event[], options: PublishOptions = {}): Promise<PublishReceipt[]> {
    assertList(events)
    if (events.length === 0) return []
    events.forEach(assertId)
    const eventIds = events.map(({ eventId }) => eventId)
    return await this.#transport.json(publication('/events/batch', encodeJsonArray(events), options), (answer) =>
      receiptsOf(answer, eventIds)
    )
  }

  /** Rejects with what {@link EventClient.publishBatch} would reject with because of the events themselves, and publishes nothing. */
  async checkBatch(events: readonly Event[]): Promise<void> {
    assertList(events)
    if (events.length === 0) return
    const query = queryOf<Api.BatchPublishQuery>({ dry_run: 'true' })
    const request = {
      method: 'POST',
      path: '/events/batch',
      query,
      body: encodeJsonArray(events),
      repeat: 'always'
    } as const
    await this.#transport.json(request, () => undefined)
  }

  /** How many events were published with this `streamKey`: 0 when none ever was. Rejects with `invalid_argument`. */
  async versionOf(streamKey: string): Promise<number> {
    return await this.#transport.json(
      { ...reading('/versions'), query: queryOf<Api.StreamVersionQuery>({ stream_key: streamKey }) },
      versionOf
    )
  }

  /**
   * The events that were published with a stream key, in the order of their versions, as {@link EventClient.getEvents} answers them, each with its
   * `streamKey` and `version`; a page at a time in memory. Events that were trimmed, and those of types that the caller may not read,
   * are left out: the versions show it. Throws `invalid_argument`.
   */
  readStream<Raw extends boolean = false>(
    streamKey: string,
    options: StreamOptions<Raw> = {}
  ): AsyncIterable<StreamEvent<Raw>> {
    return streamEvents<Raw>(this.#transport, streamKey, options)
  }

  /**
   * Events in log order, or with the time `event` in the order of event times, oldest first: without `startTime` and `after` the newest
   * that match, with one of them the first from there.
   * Each is upcast here to the newest version of its type, and `valid` says whether its data fit; with `raw` it is as it is stored.
   */
  async getEvents<T extends string = string, Raw extends boolean = false>(
    query: EventQuery<T, Raw> = {}
  ): Promise<Answer<T, Raw>[]> {
    const events = await this.#transport.json(eventsRequest('getEvents()', query), storedEvents)
    return events.map((event) => answerOf<T, Raw>(event, query.raw))
  }

  /** As {@link EventClient.getEvents}, with the position behind what was found: the `after` of the next query. */
  async getPage<T extends string = string, Raw extends boolean = false>(
    query: EventQuery<T, Raw> = {}
  ): Promise<EventPage<Answer<T, Raw>>> {
    const page = await this.#transport.json(eventsRequest('getPage()', query), storedPage)
    return { ...page, events: page.events.map((event) => answerOf<T, Raw>(event, query.raw)) }
  }

  /** One event, as {@link EventClient.getEvents} answers it. Rejects with `not_found` when the log does not hold it. */
  async getEvent<Raw extends boolean = false>(
    messageId: string,
    options: ReadOptions<Raw> = {}
  ): Promise<Answer<string, Raw>> {
    onlyOptions('getEvent()', options, { raw: true })
    const stored = await this.#transport.json(reading(`/events/${idSegment('messageId', messageId)}`), storedEvent)
    return answerOf<string, Raw>(stored, options.raw)
  }

  /** The event's causes and effects, as {@link EventClient.getEvents} answers them. Rejects with `not_found` when the log does not hold it. */
  async getLineage<Raw extends boolean = false>(
    messageId: string,
    options: ReadOptions<Raw> = {}
  ): Promise<Lineage<Answer<string, Raw>>> {
    onlyOptions('getLineage()', options, { raw: true })
    const request = reading(`/events/${idSegment('messageId', messageId)}/lineage`)
    const answer = (event: StoredEvent) => answerOf<string, Raw>(event, options.raw)
    return await this.#transport.json(request, (body) => lineageOf(body, answer))
  }

  async getEventStats(): Promise<EventStats> {
    return await this.#transport.json(reading('/events/stats'), eventStatsOf)
  }

  /**
   * How many events of each type the log took, by the minute or the hour, oldest first, also of events that it has no more. One in which it took
   * none is left out. Rejects with `unsupported` where the log has no index.
   */
  async getRates(query: RateQuery = {}): Promise<Rate[]> {
    return await this.#transport.json(ratesRequest(query), ratesOf)
  }

  /** The names of the event types that the service knows. */
  async getEventTypes(): Promise<string[]> {
    return await this.#transport.json(reading('/events/types'), eventTypesOf)
  }

  /** The JSON Schema of what an event of each type carries, by the type's name. */
  async getEventSchemas(): Promise<Record<string, object>> {
    return await this.#transport.json(reading('/events/types'), eventSchemasOf)
  }

  /** How the service is. An unhealthy report is an answer: it resolves. Rejects only when no report comes. */
  async healthCheck(): Promise<HealthReport> {
    return await this.#transport.report(reading('/health'), healthReportOf)
  }

  /** The service's metrics in Prometheus' text format. */
  async getMetrics(): Promise<string> {
    return await this.#transport.text({ ...reading('/metrics'), headers: { accept: 'text/plain' } })
  }

  /** How many events the range has. The service counts them. */
  async countEvents(options: CountOptions = {}): Promise<number> {
    onlyOptions('countEvents()', options, { ...RANGE_OPTIONS, timeoutMs: true })
    const timeoutMs = options.timeoutMs === undefined ? undefined : waitMs('timeoutMs', options.timeoutMs, 0)
    return await this.#transport.json(
      { ...replaying(queryOf<Api.ReplayQuery>(rangeParameters(options))), timeoutMs },
      replayedCountOf
    )
  }

  /**
   * Hands the events of {@link EventClient.streamReplay} to a handler, each when the handler is done with the one before,
   * and resolves to how many they were. An error of the handler ends the replay and rejects.
   */
  async replayEvents<T extends string = string, Raw extends boolean = false>(
    options: StreamReplayOptions<T, Raw>,
    handler: (event: Answer<NoInfer<T>, Raw>) => unknown
  ): Promise<number> {
    if (typeof handler !== 'function') {
      throw new EventSystemError('invalid_argument', `The handler must be a function, got ${typeof handler}.`)
    }
    let count = 0
    for await (const event of this.#replay('replayEvents()', options)) {
      await handler(event)
      count++
    }
    return count
  }

  /**
   * The events of the range, in its order, in constant memory, as {@link EventClient.getEvents} answers them. Leaving the loop
   * or aborting the `signal` ends the replay at the service. It is tried again until it begins; a connection that breaks later
   * rejects with `service_unavailable`.
   */
  streamReplay<T extends string = string, Raw extends boolean = false>(
    options: StreamReplayOptions<T, Raw> = {}
  ): AsyncIterable<Answer<T, Raw>> {
    return this.#replay('streamReplay()', options)
  }

  #replay<T extends string, Raw extends boolean>(
    call: string,
    options: StreamReplayOptions<T, Raw>
  ): AsyncIterable<Answer<T, Raw>> {
    onlyOptions(call, options, { ...RANGE_OPTIONS, speed: true, signal: true, raw: true })
    mustBeSignal(options.signal)
    const query = queryOf<Api.ReplayQuery>({ ...rangeParameters(options), speed: speedOf(options.speed) })
    const request = { ...replaying(query), headers: { accept: 'application/x-ndjson' } }
    const opening = () => this.#transport.stream(request, 'application/x-ndjson', options.signal)
    return replayedEvents(opening, (event) => answerOf<T, Raw>(event, options.raw))
  }

  /**
   * Removes what is beyond limits, oldest first, or beyond those that the service was configured with when none are given.
   * What a consumer group has not acknowledged stays, unless `force`. Rejects with `invalid_argument`.
   */
  async trim(request: TrimRequest = {}): Promise<TrimReport> {
    return await this.#transport.json(trimming(request), trimReportOf)
  }

  /** Follows the log: see {@link Subscription}. Throws `closed`, `invalid_options` and `invalid_argument`. */
  subscribe<T extends string = string, Raw extends boolean = false>(
    options: SubscribeOptions<T, Raw> = {}
  ): Subscription<Answer<T, Raw>> {
    if (this.#closed) throw new EventSystemError('closed', 'The client is closed.')
    onlyOptions('subscribe()', options, SUBSCRIBE_OPTIONS)
    const subscription = new Subscription<Answer<T, Raw>>(
      this.#transport,
      { ...options },
      {
        answer: (event) => answerOf<T, Raw>(event, options.raw),
        onEnd: (ended) => this.#subscriptions.delete(ended)
      }
    )
    if (!options.signal?.aborted) this.#subscriptions.add(subscription)
    return subscription
  }

  /**
   * Joins a consumer group, whose members share its events, and resolves when it has: each event is handled by one of
   * them, at least once, and acknowledged when its handler is done.
   *
   *     await using consumption = await client.consume('brokers', (event) => execute(event.data), { eventType: 'trading_signal' })
   *
   * The handler gets each event as {@link EventClient.getEvents} answers it, those that are not valid too: `event.valid` says so.
   * Rejects with `invalid_options`, `invalid_argument`, `unknown_event_type`, and with `group_conflict` for a group that is
   * ordered by key or that its first member set otherwise. What ends it later rejects {@link Consumption.finished}.
   */
  async consume<T extends string = string, Raw extends boolean = false>(
    group: string,
    handler: ConsumeHandler<Answer<NoInfer<T>, Raw>>,
    options: ConsumeOptions<T, Raw> = {}
  ): Promise<Consumption> {
    if (this.#closed) throw new EventSystemError('closed', 'The client is closed.')
    if (typeof handler !== 'function') {
      throw new EventSystemError('invalid_argument', `The handler must be a function, got ${typeof handler}.`)
    }
    const resolved = resolveConsumeOptions<T>(options)
    const { signal } = options
    const close = () => void consumption.close()
    const consumption = new Consumption(this.#transport, {
      group,
      handler: (event, context) => handler(answerOf<T, Raw>(event, options.raw), context),
      options: resolved,
      onEnd: (ended) => {
        this.#consumptions.delete(ended)
        signal?.removeEventListener('abort', close)
      }
    })
    this.#consumptions.add(consumption)
    signal?.addEventListener('abort', close, { once: true })
    if (signal?.aborted) close()
    await consumption.joined()
    return consumption
  }

  /** Cuts short what is under way, which rejects with `closed`, ends the subscriptions, and hands back what is being consumed. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    for (const subscription of this.#subscriptions) subscription.close()
    await Promise.all([...this.#consumptions].map((consumption) => consumption.close({ timeoutMs: 0 })))
    this.#transport.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function eventsRequest<T extends string>(call: string, query: EventQuery<T, boolean>): ServiceRequest {
  onlyOptions(call, query, QUERY_OPTIONS)
  return {
    ...reading('/events'),
    query: queryOf<Api.EventQuery>({ ...rangeParameters(query), limit: query.limit ?? 100 })
  }
}

function reading(path: string): ServiceRequest {
  return { method: 'GET', path, repeat: 'always' }
}
