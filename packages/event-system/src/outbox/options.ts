import {
  type Clock,
  type Event,
  EventSystemError,
  type OptionNames,
  onlyOptions,
  systemClock,
  unknownOptions
} from '@tradpal/events'
import { type Logger, type LoggerOption, loggerOf } from '../runtime/index.ts'
import type { OutboxStore } from './store.ts'

/** Where the relay publishes: an `EventSystem`, an `EventPublisher`, or what publishes as they do. */
export interface OutboxPublisher {
  /** Publishes events in order, all of them or none. Rejects with an `EventSystemError` whose code says whether the event or the log is at fault. */
  publishBatch(events: readonly Event[]): Promise<unknown>
}

export interface OutboxOptions<Transaction, Written> {
  /** Where the rows are: `sqliteOutbox(database)` or `postgresOutbox(pool)`. */
  readonly store: OutboxStore<Transaction, Written>
  /** It is not closed by the outbox, and has to be open for as long as the relay runs. */
  readonly publisher: OutboxPublisher
  /** How often the relay looks for events when there were none, in ms. Default 100. */
  readonly pollMs?: number
  /** So many events at most are published together, from 1 to 1,000. Default 100. */
  readonly batchSize?: number
  /** After so long without a sign of life of the relay, in ms, that of another process takes its place. From 100. Default 10,000. */
  readonly leaseMs?: number
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr ({@link stderrLogger}). */
  readonly logger?: LoggerOption
  readonly clock?: Clock
}

export type ResolvedOutboxOptions<Transaction, Written> = Required<OutboxOptions<Transaction, Written>> & {
  readonly logger: Logger
}

const NAMES: OptionNames<OutboxOptions<unknown, unknown>> = {
  store: true,
  publisher: true,
  pollMs: true,
  batchSize: true,
  leaseMs: true,
  logger: true,
  clock: true
}

/** The longest time that a timer takes, in ms. */
const LONGEST_MS = 2 ** 31 - 1

/** The options with their defaults. Throws `invalid_options`, with a sentence for each wrong value. */
export function resolveOutboxOptions<Transaction, Written>(
  options: OutboxOptions<Transaction, Written>
): ResolvedOutboxOptions<Transaction, Written> {
  if (typeof options !== 'object' || options === null) onlyOptions('Outbox', options, NAMES)
  const { store, publisher, pollMs = 100, batchSize = 100, leaseMs = 10_000, clock = systemClock } = options
  const faults = [
    ...unknownOptions('Outbox', options, NAMES),
    ...(typeof store?.insert === 'function' ? [] : ['store must be sqliteOutbox(…) or postgresOutbox(…).']),
    ...(typeof publisher?.publishBatch === 'function' ? [] : ['publisher must have publishBatch(events).']),
    ...outside('pollMs', pollMs, 1, LONGEST_MS),
    ...outside('batchSize', batchSize, 1, 1_000),
    ...outside('leaseMs', leaseMs, 100, LONGEST_MS)
  ]
  if (faults.length > 0) throw new EventSystemError('invalid_options', faults.join('\n'))
  return { store, publisher, pollMs, batchSize, leaseMs, logger: loggerOf(options.logger), clock }
}

/** The `timeoutMs` of close(). Throws `invalid_options` and `invalid_argument`. */
export function checkedTimeout(options: { timeoutMs?: number }): number {
  onlyOptions('close()', options, { timeoutMs: true })
  const { timeoutMs = 10_000 } = options
  if (timeoutMs >= 0 && timeoutMs <= LONGEST_MS) return timeoutMs
  throw new EventSystemError(
    'invalid_argument',
    `timeoutMs of close() must be from 0 to ${LONGEST_MS}, got ${timeoutMs}.`
  )
}

function outside(name: string, value: number, least: number, most: number): string[] {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return []
  return [`${name} must be a whole number from ${least} to ${most}, got ${value}.`]
}
