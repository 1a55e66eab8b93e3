import { hostname } from 'node:os'
import { type BackoffOptions, EventSystemError } from '@tradpal/events'
import type { MessageId, Position } from '../log/index.ts'

/** How a group consumes. */
export interface ConsumeOptions {
  /** The consumer group: its members share the events. Default: the system's (EVENT_CONSUMER_GROUP, `tradpal_consumers`). */
  readonly group?: string
  /** This member's name, unique in the group while it lives. A process that comes back under the same name takes up at once what it left. Default: host, process id and a random part. */
  readonly consumer?: string
  /** Where a group that does not exist yet begins: `new` (what is published from now on), `start`, behind a message id, or at a time. A group that exists goes on where it stands. Default `new`. */
  readonly from?: 'new' | 'start' | MessageId | Date
  /** How many events are handled at the same time, 1 or more. With 1, events are handled one after another in log order, but for retries. Default 1. */
  readonly concurrency?: number
  /** How many entries are held ready beyond those being handled, 1 or more. Default 200. */
  readonly prefetch?: number
  /** How often an event is handed to its handlers before it goes to the dead letters. Default 5. */
  readonly maxAttempts?: number
  /** The wait before each retry: exponential with full jitter. Default 100 ms, doubling up to 30 s. */
  readonly backoff?: BackoffOptions
  /** An entry that its consumer has not kept alive for so long is taken over by another, in ms. Default 30,000. */
  readonly claimAfterMs?: number
}

export interface ResolvedConsumeOptions {
  readonly group: string
  readonly consumer: string
  readonly from: Position
  readonly concurrency: number
  readonly prefetch: number
  readonly maxAttempts: number
  readonly backoff: BackoffOptions
  readonly claimAfterMs: number
}

/** Fills in the defaults; refuses with `invalid_options` what makes no sense. */
export function resolveConsumeOptions(options: ConsumeOptions, defaultGroup: string): ResolvedConsumeOptions {
  return {
    group: nonEmpty('group', options.group ?? defaultGroup),
    consumer: nonEmpty('consumer', options.consumer ?? newConsumerName()),
    from: toPosition(options.from ?? 'new'),
    concurrency: wholeNumber('concurrency', options.concurrency ?? 1, 1),
    prefetch: wholeNumber('prefetch', options.prefetch ?? 200, 1),
    maxAttempts: wholeNumber('maxAttempts', options.maxAttempts ?? 5, 1),
    backoff: options.backoff ?? {},
    claimAfterMs: wholeNumber('claimAfterMs', options.claimAfterMs ?? 30_000, 10)
  }
}

function toPosition(from: NonNullable<ConsumeOptions['from']>): Position {
  if (from === 'start') return 'start'
  if (from === 'new') return 'end'
  if (typeof from === 'string') return { after: from }
  const time = from.getTime()
  if (Number.isNaN(time)) throw new EventSystemError('invalid_options', 'from is an invalid Date.')
  return { time }
}

function newConsumerName(): string {
  return `${hostname()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`
}

function nonEmpty(name: string, value: string): string {
  if (typeof value === 'string' && value.length > 0) return value
  throw new EventSystemError(
    'invalid_options',
    `${name} must be a text that is not empty, got ${JSON.stringify(value)}.`
  )
}

function wholeNumber(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new EventSystemError('invalid_options', `${name} must be a whole number of at least ${least}, got ${value}.`)
}
