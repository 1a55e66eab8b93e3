import {
  type Answer,
  answerOf,
  type Clock,
  EventSystemError,
  type Lineage,
  onlyOptions,
  type ReadOptions,
  type StoredEvent,
  type StreamEvent,
  systemClock
} from '@tradpal/events'
import { type EventCodec, plainCodec, prepareReading } from '../codec/index.ts'
import { DeadLetters } from '../dead-letters/index.ts'
import type { MessageId, Position, Rate, Storage, TrimResult, TrimTarget } from '../log/index.ts'
import { mustBeLog, shown } from '../runtime/index.ts'
import { decodeEntry } from './decode-entry.ts'
import { type EventPage, eventPage, haveHappened } from './event-page.ts'
import {
  type EventQuery,
  type EventRange,
  onlyQuery,
  onlyRange,
  type ResolvedRange,
  resolveLimit,
  resolveRange
} from './event-query.ts'
import { followThrough } from './follow-through.ts'
import { type FollowedPage, followedPages } from './followed-pages.ts'
import { traceLineage } from './lineage.ts'
import { LogScan } from './log-scan.ts'
import { type RateQuery, ratesIn } from './rates.ts'
import { paced, type ReplayPace, speedOf, type Timed, timedBy } from './replay-pace.ts'
import { type EventSystemStats, statsOf } from './stats.ts'
import { type StreamOptions, streamEvents } from './stream-events.ts'

export interface EventStoreOptions {
  /** A started log. The store does not close it. */
  readonly storage: Storage
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  readonly clock?: Clock
}

/** Each way to say how far a log is trimmed. */
interface TrimTargets {
  readonly maxLength?: number
  readonly before?: number
  readonly maxBytes?: number
}

/** Reads what a log holds, by default in the newest form. Nothing is hidden because its data are not valid: `valid` says so. */
export class EventStore {
  readonly #storage: Storage
  readonly #codec: EventCodec
  readonly #clock: Clock
  readonly #scan: LogScan

  /** Throws `invalid_options`. */
  constructor(options: EventStoreOptions) {
    onlyOptions('EventStore', options, { storage: true, codec: true, clock: true })
    mustBeLog(options.storage)
    this.#storage = options.storage
    this.#codec = options.codec ?? plainCodec
    this.#clock = options.clock ?? systemClock
    this.#scan = new LogScan(this.#storage, this.#codec)
  }

  /**
   * Up to `limit` matching events in log order, or with the time `event` in the order of event times, oldest first. With a start
   * (`startTime` or `after`), the first ones from there; without, the newest.
   */
  async getEvents<T extends string = string, Raw extends boolean = false>(
    query: EventQuery<T, Raw> = {}
  ): Promise<Answer<T, Raw>[]> {
    onlyQuery('getEvents()', query)
    return [...(await this.#pageOf<T, Raw>(resolveRange(query, this.#storage), query)).events]
  }

  /** As {@link getEvents}, with the position behind what was found: the `after` of the next query. */
  async getPage<T extends string = string, Raw extends boolean = false>(
    query: EventQuery<T, Raw> = {}
  ): Promise<EventPage<Answer<T, Raw>>> {
    onlyQuery('getPage()', query)
    const range = resolveRange(query, this.#storage)
    const page = await this.#pageOf<T, Raw>(range, query)
    const isTold = page.events.length === 0 && (await haveHappened(this.#scan, range))
    return isTold ? { ...page, happenedThen: true } : page
  }

  /**
   * Whether events that match happened in the times of a range, whenever the log took them: of constant cost. False for a range without
   * times, for one of the time `event`, and where the index of the log cannot tell.
   */
  async haveHappened(range: EventRange): Promise<boolean> {
    onlyRange('haveHappened()', range)
    return haveHappened(this.#scan, resolveRange(range, this.#storage))
  }

  async #pageOf<T extends string, Raw extends boolean>(
    range: ResolvedRange,
    { limit }: Pick<EventQuery, 'limit'>
  ): Promise<EventPage<Answer<T, Raw>>> {
    return eventPage<T, Raw>(this.#storage.log, this.#scan, range, resolveLimit(limit))
  }

  /**
   * Every matching event in log order, or with the time `event` in the order of event times, a page at a time in memory. Ends at what
   * was the end of the log when the last page was read; in the order of event times what comes meanwhile is read where its time is ahead.
   */
  readEvents<T extends string = string, Raw extends boolean = false>(
    range: EventRange<T, Raw> = {}
  ): AsyncIterable<Answer<T, Raw>> {
    onlyRange('readEvents()', range)
    return this.#scan.run<T, Raw, Answer<T, Raw>>(resolveRange(range, this.#storage), {}, eventAlone)
  }

  /**
   * The events that were published with a stream key, in the order of their versions, a page at a time in memory. Ends at what was the
   * end of the stream when the last page was read. Events that were trimmed, and entries that cannot be read, are left out: the versions
   * beside them show it. Throws `invalid_argument` and `invalid_options`.
   */
  readStream<Raw extends boolean = false>(
    streamKey: string,
    options: StreamOptions<Raw> = {}
  ): AsyncIterable<StreamEvent<Raw>> {
    return streamEvents<Raw>({ storage: this.#storage, codec: this.#codec }, streamKey, options)
  }

  /** As {@link readEvents}, at a pace. Rejects with the signal's reason when it is aborted, be it that nothing matches. */
  replay<T extends string = string, Raw extends boolean = false>(
    range: EventRange<T, Raw> = {},
    pace: ReplayPace = {}
  ): AsyncGenerator<Answer<T, Raw>, void> {
    onlyRange('replay()', range)
    onlyOptions('replay()', pace, { speed: true, signal: true })
    const { signal } = pace
    const speed = speedOf(pace)
    const resolved = resolveRange(range, this.#storage)
    if (speed === 'max') return this.#scan.run<T, Raw, Answer<T, Raw>>(resolved, { signal }, eventAlone)
    const events = this.#scan.run<T, Raw, Timed<Answer<T, Raw>>>(resolved, { signal }, timedBy(resolved.time))
    return paced(events, speed, { clock: this.#clock, signal })
  }

  /** Hands the events of a {@link replay} to a handler, each when it is done with the last: resolves to how many. An error of the handler ends it. */
  async replayEvents<T extends string = string, Raw extends boolean = false>(
    range: EventRange<T, Raw>,
    handler: (event: Answer<NoInfer<T>, Raw>) => unknown,
    pace?: ReplayPace
  ): Promise<number> {
    onlyRange('replayEvents()', range)
    if (typeof handler !== 'function') {
      throw new EventSystemError(
        'invalid_argument',
        `The handler of a replay must be a function, got ${shown(handler)}.`
      )
    }
    let count = 0
    for await (const event of this.replay<T, Raw>(range, pace)) {
      // A handler that returns nothing needs no turn of the event loop.
      const handling = handler(event)
      if (handling !== undefined) await handling
      count++
    }
    return count
  }

  /** How many events match. Rejects with the signal's reason when it is aborted. */
  async countEvents(range: EventRange = {}, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    onlyRange('countEvents()', range)
    onlyOptions('countEvents()', options, { signal: true })
    return this.replayEvents({ ...range, raw: true }, () => {}, options)
  }

  /**
   * Matching events from a position on, those that are appended later too, with no gap and no repeat, a page at a time.
   * A page without a match still says how far the log was read: to resume there. Where the position is, `end` above
   * all, is decided by the call. While the log is away it waits, and goes on when that is there again. Ends when the signal
   * is aborted or the log closes; rejects with what no waiting mends, and with `invalid_argument` for a position that the
   * log has not come to yet.
   */
  follow<T extends string = string, Raw extends boolean = false>(
    from: Position,
    filter: Pick<EventRange<T, Raw>, 'eventType' | 'symbol' | 'symbols' | 'onGap' | 'raw'> = {},
    signal?: AbortSignal
  ): AsyncGenerator<FollowedPage<Answer<T, Raw>>, void> {
    onlyOptions('follow()', filter, { eventType: true, symbol: true, symbols: true, onGap: true, raw: true })
    const after = typeof from === 'object' && 'after' in from ? { after: from.after } : {}
    const range = resolveRange({ ...filter, ...after }, this.#storage)
    const pages = followThrough(this.#storage, this.#clock, from, signal)
    return followedPages<T, Raw>(pages, range, { log: this.#storage.log, codec: this.#codec, scan: this.#scan })
  }

  /** The event of a message id. `undefined` when there is none. Refuses with `invalid_message_id` what is no message id. */
  async getEvent<Raw extends boolean = false>(
    messageId: MessageId,
    options: ReadOptions<Raw> = {}
  ): Promise<Answer<string, Raw> | undefined> {
    onlyOptions('getEvent()', options, { raw: true })
    const stored = await this.#get(messageId)
    return stored && answerOf<string, Raw>(stored, options.raw)
  }

  /** What caused an event and what followed from it. Rejects with `not_found`. */
  async lineage<Raw extends boolean = false>(
    messageId: MessageId,
    options: ReadOptions<Raw> = {}
  ): Promise<Lineage<Answer<string, Raw>>> {
    onlyOptions('lineage()', options, { raw: true })
    const stored = await this.#get(messageId)
    if (stored === undefined)
      throw new EventSystemError('not_found', `There is no event with the message id ${messageId}.`)
    const { event, causes, effects, complete } = await traceLineage(stored, this.#storage, {
      ready: (entries) => prepareReading(this.#codec, entries),
      decode: (entry) => decodeEntry(entry, this.#codec, this.#storage),
      readable: this.#codec.writesWireJson === true
    })
    const answer = (each: StoredEvent) => answerOf<string, Raw>(each, options.raw)
    return { event: answer(event), causes: causes.map(answer), effects: effects.map(answer), complete }
  }

  async #get(messageId: MessageId): Promise<StoredEvent | undefined> {
    const [entry] = await this.#storage.log.get([messageId])
    if (entry === undefined) return undefined
    await prepareReading(this.#codec, [entry])
    return decodeEntry(entry, this.#codec, this.#storage)
  }

  /** Removes the oldest entries. What a group has not acknowledged stays, unless `force`. */
  async trim(target: TrimTarget, options: { force?: boolean } = {}): Promise<TrimResult> {
    onlyOptions<TrimTargets>('trim()', target, { maxLength: true, before: true, maxBytes: true })
    onlyOptions('trim()', options, { force: true })
    return this.#storage.log.trim(target, options)
  }

  /**
   * How many events of each type the log took, by the minute or the hour, oldest first, also of events that it has no more. One in which it took
   * none is left out. Rejects with `invalid_argument`, `unknown_event_type`, and `unsupported` where the log has no index.
   */
  async getRates(query: RateQuery = {}): Promise<Rate[]> {
    return ratesIn(this.#storage, query, this.#clock)
  }

  /** What the log holds and how its groups stand. */
  async getEventStats(): Promise<EventSystemStats> {
    const [info, deadLetters] = await Promise.all([
      this.#storage.log.info(),
      new DeadLetters({ storage: this.#storage }).count()
    ])
    return statsOf(info, deadLetters, this.#storage)
  }
}

function eventAlone<E>(event: E): E {
  return event
}
