import type * as Api from '@tradpal/event-api'
import {
  EventSystemError,
  type EventTypeFilter,
  type OptionNames,
  type ReadOptions,
  type StoredEvent,
  stringifyJson,
  timestampMs
} from '@tradpal/events'
import type { FieldsOf } from './json-object.ts'

/** An instant: a Date, milliseconds since the epoch, or RFC 3339. */
export type Instant = Date | number | string

/** Which events. */
export interface EventRange<T extends string = string> {
  /** One type or several. Default: all. */
  readonly eventType?: EventTypeFilter<T>
  /** Only events whose `data.symbol` is this, in the newest form. Default: any, or none. */
  readonly symbol?: string
  /** Only events whose `data.symbol` is one of these. It excludes `symbol`. */
  readonly symbols?: readonly string[]
  /** From this instant on, inclusive. */
  readonly startTime?: Instant
  /** Up to this instant, inclusive. */
  readonly endTime?: Instant
  /**
   * Which times `startTime` and `endTime` are, and the order of the events. `log` (default): when the log took the event, in log order.
   * `event`: when it happened, by its `timestamp` in whole ms; in that order, and in log order where the times are equal. A log without an
   * index rejects `event` with `unsupported`.
   */
  readonly time?: 'log' | 'event'
  /** Only events behind this position: of a page with the same `time` or a subscription, or a message id where the log has one order. It excludes `startTime`. */
  readonly after?: string
}

export interface EventQuery<T extends string = string, Raw extends boolean = false>
  extends EventRange<T>,
    ReadOptions<Raw> {
  /** At most so many matching events, 1 to 1,000. Default 100. */
  readonly limit?: number
}

/** What a query found, and where the next one goes on. */
export interface EventPage<E = StoredEvent> {
  /** In log order, or with the time `event` in the order of event times; oldest first. */
  readonly events: readonly E[]
  /** Behind the events: the `after` of the next query with the same `time`. */
  readonly position: string
  /** A sentence where the log took no such event in the range of times, and has some that happened in it: ask with `time: 'event'`. */
  readonly hint?: string
}

export const RANGE_OPTIONS: OptionNames<EventRange> = {
  eventType: true,
  symbol: true,
  symbols: true,
  startTime: true,
  endTime: true,
  time: true,
  after: true
}
export const QUERY_OPTIONS: OptionNames<EventQuery> = { ...RANGE_OPTIONS, limit: true, raw: true }

type Parameter = string | number | readonly string[] | undefined

/** The parameters of a query, by their names in the document; a list repeats its name, what is undefined is left out. Throws `invalid_argument` for an object. */
export function queryOf<Document>(parameters: { readonly [Name in keyof Document]?: Parameter }): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries<Parameter>(parameters)) {
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, textOf(name, item))
  }
  return query
}

function textOf(name: string, value: unknown): string {
  if (value !== null && ['string', 'number'].includes(typeof value)) return String(value)
  throw new EventSystemError('invalid_argument', `${name} must be a text or a number, got ${kindOf(value)}.`)
}

/** The kind of a value, for the sentence of an error. */
function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}

/** The body of a request, by the names of the document; what is undefined is left out. */
export function bodyOf<Document>(fields: FieldsOf<Document>): string {
  return stringifyJson(fields)
}

/** Refuses with `invalid_argument` an empty list: it would be left out of the query, which then asks for all types. */
export function eventTypeParameter<Types extends string | readonly string[] | undefined>(eventType: Types): Types {
  if (eventType !== undefined && typeof eventType !== 'string' && !Array.isArray(eventType)) {
    const sentence = `eventType must be an event type or a list of them, got ${kindOf(eventType)}.`
    throw new EventSystemError('invalid_argument', sentence)
  }
  if (eventType === undefined || eventType.length > 0) return eventType
  throw new EventSystemError('invalid_argument', 'eventType is empty; leave it out for all types.')
}

/** Refuses with `invalid_argument` an empty list, which would be left out of the query, and both options at once. */
export function symbolParameter({ symbol, symbols }: Pick<EventRange, 'symbol' | 'symbols'>) {
  if (symbols === undefined) return symbol
  if (symbol !== undefined) {
    throw new EventSystemError('invalid_argument', 'symbol and symbols exclude each other; give one of them.')
  }
  if (Array.isArray(symbols) && symbols.length > 0) return symbols
  const wrong = Array.isArray(symbols) ? 'is empty; leave it out for all symbols' : 'must be a list; give one as symbol'
  throw new EventSystemError('invalid_argument', `symbols ${wrong}.`)
}

/** Refuses with `invalid_argument` what is no instant, and an empty list of types or symbols. */
export function rangeParameters<T extends string>(range: EventRange<T>) {
  return {
    event_type: eventTypeParameter(range.eventType),
    symbol: symbolParameter(range),
    start_time: instant('startTime', range.startTime),
    end_time: instant('endTime', range.endTime),
    time: range.time,
    after: range.after
  } satisfies { readonly [Name in keyof Api.EventRange]?: Parameter }
}

/** An id as a segment of a path. Refuses with `invalid_argument` what would name another path. */
export function idSegment(name: string, id: string): string {
  if (typeof id === 'string' && !/^\.{0,2}$/.test(id)) return encodeURIComponent(id)
  throw new EventSystemError('invalid_argument', `${name} must be an id, got ${JSON.stringify(id)}.`)
}

/** Throws `invalid_argument` for what is no signal. */
export function mustBeSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new EventSystemError('invalid_argument', `signal must be an AbortSignal, got ${kindOf(signal)}.`)
}

export function instant(name: string, value: Instant | undefined): string | undefined {
  if (value === undefined) return undefined
  const ms = typeof value === 'string' ? parsedMs(value) : Number(value)
  const date = new Date(ms)
  if (!Number.isNaN(date.getTime())) return date.toISOString().replace('Z', '+00:00')
  throw new EventSystemError(
    'invalid_argument',
    `${name} is no instant; give a Date, milliseconds since the epoch or an RFC 3339 text.`
  )
}

function parsedMs(text: string): number {
  try {
    return timestampMs(text)
  } catch {
    return Number.NaN
  }
}
