import { EventSystemError, isKnownEventType, resolveEventType, timestampMs } from '@tradpal/events'
import type { EventLog, MessageId, Position, ReadRange } from '../log/index.ts'

/** Which events. Times are those at which the log took the event, not the event's own `timestamp`. */
export interface EventRange {
  /** One type or several. Default: all. */
  readonly eventType?: string | readonly string[]
  /** Only events whose `data.symbol` is this. */
  readonly symbol?: string
  /** From this instant on, inclusive: a Date, milliseconds since the epoch, or RFC 3339. */
  readonly startTime?: Date | number | string
  /** Up to this instant, inclusive. */
  readonly endTime?: Date | number | string
  /** Behind this message id. Cannot be combined with `startTime`. */
  readonly after?: MessageId
}

export interface EventQuery extends EventRange {
  /** At most so many matching events, 1 or more. Default 100. */
  readonly limit?: number
}

/** A checked range: what to read, and what to look for in it. */
export interface ResolvedRange {
  readonly from: Position
  readonly to: ReadRange['to']
  readonly types: ReadonlySet<string> | undefined
  readonly symbol: string | undefined
}

/** Refuses with `invalid_argument`, `unknown_event_type` or `invalid_message_id`. */
export function resolveRange(range: EventRange, log: EventLog): ResolvedRange {
  const start = instant('startTime', range.startTime)
  const end = instant('endTime', range.endTime)
  if (start !== undefined && end !== undefined && start > end) {
    throw new EventSystemError(
      'invalid_argument',
      'startTime is after endTime; give the earlier of the two as startTime.'
    )
  }
  if (start !== undefined && range.after !== undefined) {
    throw new EventSystemError('invalid_argument', 'startTime and after exclude each other; give one of them.')
  }
  if (range.after !== undefined) log.timeOf(range.after)
  return {
    from: range.after !== undefined ? { after: range.after } : start !== undefined ? { time: start } : 'start',
    to: end === undefined ? undefined : { time: end },
    types: range.eventType === undefined ? undefined : typeSet(range.eventType),
    symbol: range.symbol
  }
}

export function resolveLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1) return limit
  throw new EventSystemError('invalid_argument', `limit must be a whole number of at least 1, got ${limit}.`)
}

function typeSet(eventType: string | readonly string[]): ReadonlySet<string> | undefined {
  const names = typeof eventType === 'string' ? [eventType] : eventType
  if (names.includes('*')) return undefined
  if (names.length === 0)
    throw new EventSystemError('invalid_argument', 'eventType is an empty list; leave it out for all types.')
  return new Set(names.map((name) => (isKnownEventType(name) ? name : resolveEventType(name))))
}

function instant(name: string, value: Date | number | string | undefined): number | undefined {
  if (value === undefined) return undefined
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? timestampMs(value) : value.getTime()
  if (Number.isFinite(ms)) return ms
  throw new EventSystemError(
    'invalid_argument',
    `${name} is no instant; give a Date, milliseconds since the epoch or an RFC 3339 text.`
  )
}
