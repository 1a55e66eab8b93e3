import { type Clock, type Event, EventSystemError, type StoredEvent, systemClock } from '@tradpal/events'
import { type EventCodec, plainCodec } from '../codec/index.ts'
import type { Entry, EventLog, MessageId, Position, TrimResult, TrimTarget } from '../log/index.ts'
import { type EventQuery, type EventRange, type ResolvedRange, resolveLimit, resolveRange } from './event-query.ts'
import { type Lineage, traceLineage } from './lineage.ts'
import { type EventSystemStats, statsOf } from './stats.ts'

/** Entries are read in pages of so many. */
const PAGE = 1_000

export interface EventStoreOptions {
  /** A started log. The store does not close it. */
  readonly log: EventLog
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  readonly clock?: Clock
}

/** How a replay paces itself. */
export interface ReplayPace {
  /** 1 is the pace at which the log took the events, 2 twice as fast; `max` (default) does not wait. */
  readonly speed?: number | 'max'
  readonly signal?: AbortSignal
}

/** What was found, and up to where the log was read. */
export interface FollowedPage {
  readonly events: readonly StoredEvent[]
  readonly position: MessageId
}

/** Reads what a log holds. */
export class EventStore {
  readonly #log: EventLog
  readonly #codec: EventCodec
  readonly #clock: Clock

  constructor(options: EventStoreOptions) {
    this.#log = options.log
    this.#codec = options.codec ?? plainCodec
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Up to `limit` matching events in log order, oldest first. With a start (`startTime` or `after`), the first ones from
   * there; without, the newest.
   */
  async getEvents(query: EventQuery = {}): Promise<StoredEvent[]> {
    const range = resolveRange(query, this.#log)
    const limit = resolveLimit(query.limit)
    const direction = range.from === 'start' ? 'backward' : 'forward'
    const found: StoredEvent[] = []
    for await (const event of this.#scan(range, direction, Math.min(PAGE, Math.max(limit, 100)))) {
      found.push(event)
      if (found.length === limit) break
    }
    return direction === 'backward' ? found.reverse() : found
  }

  /** Every matching event in log order, a page at a time in memory. Ends at what was the end of the log when the last page was read. */
  readEvents(range: EventRange = {}): AsyncIterable<StoredEvent> {
    return this.#scan(resolveRange(range, this.#log), 'forward', PAGE)
  }

  /** As {@link readEvents}, at a pace. Rejects with the signal's reason when it is aborted. */
  replay(range: EventRange = {}, { speed = 'max', signal }: ReplayPace = {}): AsyncGenerator<StoredEvent> {
    if (speed !== 'max' && !(Number.isFinite(speed) && speed > 0)) {
      throw new EventSystemError('invalid_argument', `speed must be a number above 0, or 'max', got ${speed}.`)
    }
    return this.#paced(this.readEvents(range), speed, signal)
  }

  /** Hands the events of a {@link replay} to a handler, each when it is done with the last: resolves to how many. An error of the handler ends it. */
  async replayEvents(range: EventRange, handler: (event: StoredEvent) => unknown, pace?: ReplayPace): Promise<number> {
    let count = 0
    for await (const event of this.replay(range, pace)) {
      // A handler that returns nothing needs no turn of the event loop.
      const handling = handler(event)
      if (handling !== undefined) await handling
      count++
    }
    return count
  }

  async *#paced(
    events: AsyncIterable<StoredEvent>,
    speed: number | 'max',
    signal?: AbortSignal
  ): AsyncGenerator<StoredEvent> {
    let offsetMs: number | undefined
    for await (const event of events) {
      signal?.throwIfAborted()
      if (speed !== 'max') {
        const dueMs = this.#log.timeOf(event.messageId) / speed
        offsetMs ??= this.#clock.now() - dueMs
        const waitMs = offsetMs + dueMs - this.#clock.now()
        if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
      }
      yield event
    }
  }

  /**
   * Matching events from a position on, those that are appended later too, with no gap and no repeat, a page at a time.
   * A page without a match still says how far the log was read: to resume there. Ends when the signal is aborted or the
   * log closed; rejects when the log cannot be read.
   */
  async *follow(
    from: Position,
    filter: Pick<EventRange, 'eventType' | 'symbol'> = {},
    signal?: AbortSignal
  ): AsyncGenerator<FollowedPage> {
    const range = resolveRange(filter, this.#log)
    for await (const entries of this.#log.tail(from, signal === undefined ? {} : { signal })) {
      const events = entries.map((entry) => this.#match(entry, range)).filter((event) => event !== undefined)
      yield { events, position: (entries.at(-1) as Entry).messageId }
    }
  }

  /** The event of a message id. `undefined` when there is none. Refuses with `invalid_message_id` what is no message id. */
  async getEvent(messageId: MessageId): Promise<StoredEvent | undefined> {
    const entry = await this.#log.get(messageId)
    return entry === undefined ? undefined : this.#decode(entry)
  }

  /** What caused an event and what followed from it. Rejects with `not_found`. */
  async lineage(messageId: MessageId): Promise<Lineage> {
    const event = await this.getEvent(messageId)
    if (event === undefined)
      throw new EventSystemError('not_found', `There is no event with the message id ${messageId}.`)
    return traceLineage(event, this.#log, (entry) => this.#decode(entry))
  }

  /** Removes the oldest entries. What a group has not acknowledged stays, unless `force`. */
  trim(target: TrimTarget, options: { force?: boolean } = {}): Promise<TrimResult> {
    return this.#log.trim(target, options)
  }

  /** What the log holds and how its groups stand. */
  async stats(): Promise<EventSystemStats> {
    return statsOf(await this.#log.info(), this.#log)
  }

  async *#scan(range: ResolvedRange, direction: 'forward' | 'backward', page: number): AsyncGenerator<StoredEvent> {
    let { from, to } = range
    for (;;) {
      const entries = await this.#log.read({
        from,
        direction,
        limit: page,
        ...(to === undefined ? {} : { to }),
        ...(range.types === undefined ? {} : { eventTypes: [...range.types] })
      })
      for (const entry of entries) {
        if (direction === 'backward' && isBoundary(entry, to)) continue
        const event = this.#match(entry, range)
        if (event !== undefined) yield event
      }
      const last = entries.at(-1)
      if (last === undefined || entries.length < page) return
      if (direction === 'forward') from = { after: last.messageId }
      else to = { messageId: last.messageId }
    }
  }

  #match(entry: Entry, { types, symbol }: ResolvedRange): StoredEvent | undefined {
    const event = this.#decode(entry)
    if (event === undefined) return undefined
    if (types !== undefined && !types.has(event.eventType)) return undefined
    if (symbol !== undefined && event.data.symbol !== symbol) return undefined
    return event
  }

  #decode({ messageId, payload }: Entry): StoredEvent | undefined {
    if (payload === null) return undefined
    let event: Event
    try {
      event = this.#codec.decode(payload)
    } catch (error) {
      if (error instanceof EventSystemError) return undefined
      throw error
    }
    return { ...event, messageId }
  }
}

/** A backward page ends at an id inclusively: the entry at which the page before it ended comes again. */
function isBoundary(entry: Entry, to: ResolvedRange['to']): boolean {
  return to !== undefined && 'messageId' in to && to.messageId === entry.messageId
}
