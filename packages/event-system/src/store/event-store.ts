import {
  type Answer,
  answerOf,
  type Clock,
  EventSystemError,
  isRetryable,
  onlyOptions,
  type ReadOptions,
  type StoredEvent,
  type StreamEvent,
  systemClock,
  upcastIfPossible
} from '@tradpal/events'
import { type EventCodec, plainCodec, prepareReading } from '../codec/index.ts'
import { DeadLetters } from '../dead-letters/index.ts'
import {
  type Entry,
  type EventLog,
  type MessageId,
  type Position,
  type TrimResult,
  type TrimTarget,
  tellGap
} from '../log/index.ts'
import { mustBeLog, shown } from '../runtime/index.ts'
import { decodeEntry } from './decode-entry.ts'
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
import { type Lineage, traceLineage } from './lineage.ts'
import { paced, type ReplayPace, speedOf, type Timed } from './replay-pace.ts'
import { type EventSystemStats, statsOf } from './stats.ts'
import { type StreamOptions, streamEvents } from './stream-events.ts'

/** How many entries a page has, unless fewer are asked for. */
const PAGE = 1_000

export interface EventStoreOptions {
  /** A started log. The store does not close it. */
  readonly log: EventLog
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

/** What was found, and up to where the log was read. */
export interface FollowedPage<E = StoredEvent> {
  readonly events: readonly E[]
  /** When the log took each of them, ms since the epoch, in the same order. */
  readonly appendedAt: readonly number[]
  readonly position: MessageId
}

/** How a range is gone through. */
interface Scan {
  /** Default `forward`. */
  readonly direction?: 'forward' | 'backward'
  /** How many entries are read at once. */
  readonly page?: number
  /** Looked at before each page and each event. */
  readonly signal?: AbortSignal | undefined
}

/** Reads what a log holds, by default in the newest form. Nothing is hidden because its data are not valid: `valid` says so. */
export class EventStore {
  readonly #log: EventLog
  readonly #codec: EventCodec
  readonly #clock: Clock

  /** Throws `invalid_options`. */
  constructor(options: EventStoreOptions) {
    onlyOptions('EventStore', options, { log: true, codec: true, clock: true })
    mustBeLog(options.log)
    this.#log = options.log
    this.#codec = options.codec ?? plainCodec
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Up to `limit` matching events in log order, oldest first. With a start (`startTime` or `after`), the first ones from
   * there; without, the newest.
   */
  async getEvents<T extends string = string, Raw extends boolean = false>(
    query: EventQuery<T, Raw> = {}
  ): Promise<Answer<T, Raw>[]> {
    onlyQuery('getEvents()', query)
    const range = resolveRange(query, this.#log)
    const limit = resolveLimit(query.limit)
    const direction = range.from === 'start' ? 'backward' : 'forward'
    const found: Answer<T, Raw>[] = []
    const how = { direction, page: Math.min(PAGE, Math.max(limit, 100)) } as const
    for await (const event of this.#scan<T, Raw>(range, how, eventAlone)) {
      found.push(event)
      if (found.length === limit) break
    }
    return direction === 'backward' ? found.reverse() : found
  }

  /** Every matching event in log order, a page at a time in memory. Ends at what was the end of the log when the last page was read. */
  readEvents<T extends string = string, Raw extends boolean = false>(
    range: EventRange<T, Raw> = {}
  ): AsyncIterable<Answer<T, Raw>> {
    onlyRange('readEvents()', range)
    return this.#scan<T, Raw>(resolveRange(range, this.#log), {}, eventAlone)
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
    return streamEvents<Raw>({ log: this.#log, codec: this.#codec }, streamKey, options)
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
    const resolved = resolveRange(range, this.#log)
    if (speed === 'max') return this.#scan<T, Raw>(resolved, { signal }, eventAlone)
    const events = this.#scan<T, Raw, Timed<Answer<T, Raw>>>(resolved, { signal }, timed)
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
    const range = resolveRange({ ...filter, ...after }, this.#log)
    return this.#follow<T, Raw>(followThrough(this.#log, this.#clock, from, signal), range)
  }

  async *#follow<T extends string, Raw extends boolean>(
    pages: AsyncIterable<Entry[]>,
    range: ResolvedRange
  ): AsyncGenerator<FollowedPage<Answer<T, Raw>>, void> {
    // While the log is away nobody knows: it is asked again with the first page.
    let isTold = await this.#tellGap(range).then(
      () => true,
      (error) => {
        if (isRetryable(error)) return false
        throw error
      }
    )
    for await (const entries of pages) {
      if (!isTold) await this.#tellGap(range)
      isTold = true
      await prepareReading(this.#codec, entries)
      const events: Answer<T, Raw>[] = []
      const appendedAt: number[] = []
      for (const entry of entries) {
        const event = this.#match<T, Raw>(entry, range)
        if (event === undefined) continue
        events.push(event)
        appendedAt.push(entry.appendedAt)
      }
      yield { events, appendedAt, position: (entries.at(-1) as Entry).messageId }
    }
  }

  async #tellGap({ after, onGap }: ResolvedRange): Promise<void> {
    if (after !== undefined) await tellGap(this.#log, after, onGap)
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
    const { event, causes, effects, complete } = await traceLineage(stored, this.#log, {
      ready: (entries) => prepareReading(this.#codec, entries),
      decode: (entry) => decodeEntry(entry, this.#codec, this.#log),
      readable: this.#codec.writesWireJson === true
    })
    const answer = (each: StoredEvent) => answerOf<string, Raw>(each, options.raw)
    return { event: answer(event), causes: causes.map(answer), effects: effects.map(answer), complete }
  }

  async #get(messageId: MessageId): Promise<StoredEvent | undefined> {
    const [entry] = await this.#log.get([messageId])
    if (entry === undefined) return undefined
    await prepareReading(this.#codec, [entry])
    return decodeEntry(entry, this.#codec, this.#log)
  }

  /** Removes the oldest entries. What a group has not acknowledged stays, unless `force`. */
  async trim(target: TrimTarget, options: { force?: boolean } = {}): Promise<TrimResult> {
    onlyOptions<TrimTargets>('trim()', target, { maxLength: true, before: true, maxBytes: true })
    onlyOptions('trim()', options, { force: true })
    return this.#log.trim(target, options)
  }

  /** What the log holds and how its groups stand. */
  async getEventStats(): Promise<EventSystemStats> {
    const [info, deadLetters] = await Promise.all([this.#log.info(), new DeadLetters({ log: this.#log }).count()])
    return statsOf(info, deadLetters, this.#log)
  }

  /** What `pick` makes of each matching event and its entry. */
  async *#scan<T extends string, Raw extends boolean, Item = Answer<T, Raw>>(
    range: ResolvedRange,
    how: Scan,
    pick: (event: Answer<T, Raw>, entry: Entry) => Item
  ): AsyncGenerator<Item, void> {
    const { direction = 'forward', page = PAGE, signal } = how
    await this.#tellGap(range)
    let { from, to } = range
    for (;;) {
      signal?.throwIfAborted()
      const entries = await this.#log.read({
        from,
        direction,
        limit: page,
        ...(to === undefined ? {} : { to }),
        ...(range.types === undefined ? {} : { eventTypes: [...range.types] })
      })
      const bringing = prepareReading(this.#codec, entries)
      if (bringing !== undefined) await bringing
      // Keys that were brought are here for this turn: who takes the events may take its time.
      const matched = bringing && new Map(entries.map((entry) => [entry, this.#match<T, Raw>(entry, range)]))
      for (const entry of entries) {
        if (direction === 'backward' && isBoundary(entry, to)) continue
        const event = matched === undefined ? this.#match<T, Raw>(entry, range) : matched.get(entry)
        if (event === undefined) continue
        signal?.throwIfAborted()
        yield pick(event, entry)
      }
      const last = entries.at(-1)
      if (last === undefined || entries.length < page) return
      if (direction === 'forward') from = { after: last.messageId }
      else to = { messageId: last.messageId }
      // A log that answers synchronously would keep everybody else waiting until the end of the range.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #match<T extends string, Raw extends boolean>(
    entry: Entry,
    { types, symbols, raw }: ResolvedRange
  ): Answer<T, Raw> | undefined {
    const event = decodeEntry(entry, this.#codec, this.#log)
    if (event === undefined) return undefined
    if (types !== undefined && !types.has(event.eventType)) return undefined
    // Either form is found by the same symbol.
    if (symbols !== undefined && !symbols.has(upcastIfPossible(event).data.symbol as string)) return undefined
    return answerOf<T, Raw>(event, raw)
  }
}

function eventAlone<E>(event: E): E {
  return event
}

function timed<E>(event: E, { appendedAt }: Entry): Timed<E> {
  return { event, appendedAt }
}

/** A backward page ends at an id inclusively: the entry at which the page before it ended comes again. */
function isBoundary(entry: Entry, to: ResolvedRange['to']): boolean {
  return to !== undefined && 'messageId' in to && to.messageId === entry.messageId
}
