import {
  type EventOf,
  EventSystemError,
  type EventTypeFilter,
  type OptionNames,
  onlyOptions,
  type ReadOptions
} from '@tradpal/events'
import { waitMs } from './options.ts'
import { eventTypeParameter, type Instant, mustBeSignal } from './query.ts'

/** How a group is consumed over HTTP. Its members should be given the same, but for `consumer`. */
export interface ConsumeOptions<T extends string = string, Raw extends boolean = false> extends ReadOptions<Raw> {
  /** One type or several. The first member of a group sets them, and one with others is refused. The group never sees events of other types. Default: all. */
  readonly eventType?: EventTypeFilter<T>
  /** This member's name. Default: `client-` and a random part. */
  readonly consumer?: string
  /** Where a group that does not exist yet begins: `new` (what is published from now on), `start`, behind a message id, or at an instant. Default `new`. */
  readonly from?: Instant
  /** How many events are handled at the same time, 1 or more. Default 1. */
  readonly concurrency?: number
  /** How many events are in hand at most, those being handled included, 1 to 1,000. Default 100. */
  readonly prefetch?: number
  /** An event that this process gave no sign of for so long is handed out again, in ms, 100 to 86,400,000. Default 30,000. */
  readonly leaseMs?: number
  /** How often handling may fail before the event goes to the dead letters, 1 to 1,000. The first member of a group sets it, and one that says another is refused. Default: as the group is set, 5 for the first member. */
  readonly maxAttempts?: number
  /** Told what a handler threw, and what could not be settled: such an event is handed out again. Default: nobody is told. */
  readonly onError?: (error: unknown, messageId: string) => void
  /** Ends consuming, as `close()` does. */
  readonly signal?: AbortSignal
}

const NAMES: OptionNames<ConsumeOptions> = {
  eventType: true,
  consumer: true,
  from: true,
  concurrency: true,
  prefetch: true,
  leaseMs: true,
  maxAttempts: true,
  onError: true,
  raw: true,
  signal: true
}

/** What a handler knows about the delivery of its event. */
export interface ConsumeContext {
  readonly group: string
  readonly consumer: string
  /** How many times the event was handed out, this time included. */
  readonly attempt: number
  /** Aborted when the event was lost to another, or when closing has run out of time: what is done after that does not count. */
  readonly signal: AbortSignal
}

/** It is done when it returns. What it throws is a failure, tried again; `RetryLater` and `Reject` mean what they say. */
export type ConsumeHandler<E = EventOf<string>> = (event: E, context: ConsumeContext) => unknown

/** What closing left. */
export interface ConsumeReport {
  /** Events whose handling had not begun: handed back to the group, at once. */
  readonly handedBack: number
  /** Events whose handlers ran out of time: handed back likewise, and what their handlers still do does not count. */
  readonly unfinished: number
}

export interface ResolvedConsumeOptions {
  readonly eventTypes: readonly string[] | undefined
  readonly consumer: string
  readonly from: Instant
  readonly concurrency: number
  readonly prefetch: number
  readonly leaseMs: number
  readonly maxAttempts: number | undefined
  readonly onError: (error: unknown, messageId: string) => void
}

/** Fills in the defaults. Refuses with `invalid_options` and `invalid_argument` what makes no sense. */
export function resolveConsumeOptions<T extends string>(options: ConsumeOptions<T, boolean>): ResolvedConsumeOptions {
  onlyOptions('consume()', options, NAMES)
  const { eventType, maxAttempts, onError = () => {} } = options
  if (typeof onError !== 'function') {
    throw new EventSystemError('invalid_options', `onError must be a function, got ${typeof onError}.`)
  }
  mustBeSignal(options.signal)
  const types: string | readonly string[] | undefined = eventTypeParameter(eventType)
  return {
    eventTypes: typeof types === 'string' ? [types] : types,
    consumer: options.consumer ?? `client-${crypto.randomUUID().slice(0, 8)}`,
    from: options.from ?? 'new',
    concurrency: within('concurrency', options.concurrency ?? 1, 1, 1_000),
    prefetch: within('prefetch', options.prefetch ?? 100, 1, 1_000),
    leaseMs: within('leaseMs', waitMs('leaseMs', options.leaseMs, 30_000), 100, 86_400_000),
    maxAttempts: maxAttempts === undefined ? undefined : within('maxAttempts', maxAttempts, 1, 1_000),
    onError
  }
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new EventSystemError(
    'invalid_options',
    `${name} must be a whole number from ${least} to ${most}, got ${String(value)}.`
  )
}
