import {
  EventSystemError,
  type EventTypeFilter,
  type OptionNames,
  onlyOptions,
  type ReadOptions,
  resolveEventType,
  stringifyJson,
  timestampMs
} from '@tradpal/events'
import type { Checkpoint, OnGap, Position, ReadRange, Storage } from '../log/index.ts'

/** Which events. */
export interface EventRange<T extends string = string, Raw extends boolean = false> extends ReadOptions<Raw> {
  /** One type or several. Default: all, which `'*'` says too. */
  readonly eventType?: EventTypeFilter<T>
  /** Only events whose `data.symbol` is this, in the newest form. Default: any, or none. */
  readonly symbol?: string
  /** Only events whose `data.symbol` is one of these. Cannot be combined with `symbol`. */
  readonly symbols?: readonly string[]
  /** From this instant on, inclusive: a Date, milliseconds since the epoch, or RFC 3339. */
  readonly startTime?: Date | number | string
  /** Up to this instant, inclusive. */
  readonly endTime?: Date | number | string
  /**
   * Which times `startTime` and `endTime` are, and the order of the events. `log` (default): when the log took the event, in log order.
   * `event`: when it happened, by its `timestamp` in whole ms; in that order, and in log order where the times are equal. A log without an
   * index rejects `event` with `unsupported`.
   */
  readonly time?: 'log' | 'event'
  /** Behind this position of a page with the same `time`. In log order a message id is one. Cannot be combined with `startTime`. */
  readonly after?: Checkpoint
  /** Not with the time `event`. What is done when entries behind `after` may have been trimmed: it is called, or with `error` the reading rejects with `entry_trimmed`. Default: nothing. */
  readonly onGap?: OnGap
}

export interface EventQuery<T extends string = string, Raw extends boolean = false> extends EventRange<T, Raw> {
  /** At most so many matching events, 1 or more. Default 100. */
  readonly limit?: number
}

/** A checked range: what to read, and what to look for in it. */
export interface ResolvedRange {
  readonly time: 'log' | 'event'
  /** Behind which place in the log there may be a gap. */
  readonly gapBehind: Checkpoint | undefined
  readonly onGap: OnGap | undefined
  readonly from: Position
  readonly to: ReadRange['to']
  readonly types: ReadonlySet<string> | undefined
  readonly symbols: ReadonlySet<string> | undefined
  readonly raw: boolean
}

const RANGE_OPTIONS: OptionNames<EventRange> = {
  eventType: true,
  symbol: true,
  symbols: true,
  startTime: true,
  endTime: true,
  time: true,
  after: true,
  onGap: true,
  raw: true
}

/** Refuses with `invalid_options` an option that `call` does not have. */
export function onlyRange<T extends string>(call: string, range: EventRange<T, boolean>): void {
  onlyOptions(call, range, RANGE_OPTIONS)
}

/** As {@link onlyRange}. */
export function onlyQuery<T extends string>(call: string, query: EventQuery<T, boolean>): void {
  onlyOptions(call, query, { ...RANGE_OPTIONS, limit: true })
}

/** Refuses with `invalid_argument`, `unknown_event_type` or `invalid_message_id`. */
export function resolveRange<T extends string>(range: EventRange<T, boolean>, storage: Storage): ResolvedRange {
  const start = instant('startTime', range.startTime)
  const end = instant('endTime', range.endTime)
  if (start !== undefined && end !== undefined && start > end) {
    throw invalid('startTime is after endTime; give the earlier of the two as startTime.')
  }
  if (start !== undefined && range.after !== undefined) {
    throw invalid('startTime and after exclude each other; give one of them.')
  }
  const { time = 'log' } = range
  if (time !== 'log' && time !== 'event') throw invalid(`time must be 'log' or 'event', got ${shown(time)}.`)
  const gapBehind = time === 'log' ? range.after : undefined
  if (gapBehind !== undefined) storage.log.compare(gapBehind, gapBehind)
  if (range.onGap !== undefined && range.onGap !== 'error' && typeof range.onGap !== 'function') {
    throw invalid(`onGap must be a function or 'error', got ${shown(range.onGap)}.`)
  }
  if (range.onGap !== undefined && time === 'event') {
    throw invalid(
      "onGap is for reads in log order: in the order of event times nobody can say what was trimmed. Leave it out, or read with time: 'log'."
    )
  }
  return {
    time,
    gapBehind,
    onGap: range.onGap,
    from: range.after !== undefined ? { after: range.after } : start !== undefined ? { time: start } : 'start',
    to: end === undefined ? undefined : { time: end },
    types: range.eventType === undefined ? undefined : typeSet(range.eventType),
    symbols: symbolSet(range),
    raw: range.raw === true
  }
}

export function resolveLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1) return limit
  throw invalid(`limit must be a whole number of at least 1, got ${shown(limit)}.`)
}

function symbolSet({ symbol, symbols }: Pick<EventRange, 'symbol' | 'symbols'>): ReadonlySet<string> | undefined {
  if (symbol !== undefined && symbols !== undefined) {
    throw invalid('symbol and symbols exclude each other; give one of them.')
  }
  if (symbol !== undefined && typeof symbol !== 'string') {
    throw invalid(`symbol must be a text, got ${shown(symbol)}; give several as symbols.`)
  }
  if (symbols === undefined) return symbol === undefined ? undefined : new Set([symbol])
  if (!Array.isArray(symbols) || !symbols.every((one) => typeof one === 'string')) {
    throw invalid(`symbols must be a list of texts, got ${shown(symbols)}.`)
  }
  if (symbols.length === 0) throw invalid('symbols is an empty list; leave it out for all symbols.')
  return new Set(symbols)
}

/** The types of a filter; `undefined` for all. Throws `invalid_argument` and `unknown_event_type`. */
export function typeSet(eventType: string | readonly string[]): ReadonlySet<string> | undefined {
  const names = typeof eventType === 'string' ? [eventType] : eventType
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw invalid(`eventType must be an event type or a list of them, got ${shown(eventType)}.`)
  }
  if (names.includes('*')) return undefined
  if (names.length === 0) throw invalid('eventType is an empty list; leave it out for all types.')
  return new Set(names.map(resolveEventType))
}

/** An instant in ms since the epoch. Throws `invalid_argument`. */
export function instant(name: string, value: Date | number | string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? textMs(value) : value
  if (Number.isFinite(ms)) return ms
  throw invalid(
    `${name} is no instant; give a Date, milliseconds since the epoch or an RFC 3339 text, got ${shown(value)}.`
  )
}

function textMs(text: string): number {
  try {
    return timestampMs(text)
  } catch {
    return Number.NaN
  }
}

function shown(value: unknown): string {
  return typeof value === 'bigint' || value instanceof Date ? String(value) : stringifyJson(value)
}

function invalid(sentence: string): EventSystemError {
  return new EventSystemError('invalid_argument', sentence)
}
