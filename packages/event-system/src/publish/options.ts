import { type Clock, type Event, type OptionNames, onlyOptions, type Validation } from '@tradpal/events'
import type { EventCodec, TextVault } from '../codec/index.ts'
import type { Storage } from '../log/index.ts'
import { choice, duration, type LoggerOption } from '../runtime/index.ts'
import type { BackpressureOptions } from './backpressure.ts'
import type { ExpectationOptions } from './expectation.ts'

export interface EventPublisherOptions extends Partial<BackpressureOptions> {
  /** A started log. The publisher does not close it. */
  readonly storage: Storage
  /** How events are stored. Default: plain wire JSON. */
  readonly codec?: EventCodec
  /** How the data of events are checked. Default `strict`. */
  readonly validation?: Validation
  /** How long a publish may take, its retries included, in ms. Default 5,000. */
  readonly timeoutMs?: number
  /** The source of the convenience publishers when the caller names none. Default `event_system`. */
  readonly defaultSource?: string
  /** What an event must stay in order with while some wait in the spool. Default: the symbol of its data. */
  readonly key?: (event: Event) => string | undefined
  /** The log's own, in ms: what may be in the log is not sent again after it. Default 120,000. */
  readonly deduplicationWindowMs?: number
  /** Where events go that the log does not take in time. Default: nowhere, their publishes reject. */
  readonly spool?: SpoolOptions
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr ({@link stderrLogger}). */
  readonly logger?: LoggerOption
  readonly clock?: Clock
  /** Spreads the retries. Default Math.random. */
  readonly random?: () => number
}

export interface SpoolOptions {
  /** An embedded log of its own, not started: the publisher starts and closes it. Its deduplication window must be no longer than the publisher's. */
  readonly store: Storage
  /** Of the payloads, in characters: beyond it publishes reject with `spool_full`. */
  readonly maxBytes: number
  /** Seals what the spool keeps of the events beside their payloads. Default: it stands there as it is. */
  readonly vault?: TextVault | undefined
}

export interface PublishOptions extends ExpectationOptions {
  /** How long this publish may take, its retries included, in ms. Default: the publisher's. */
  readonly timeoutMs?: number
  /** Whether the spool will do, where there is one: `never` rejects with `log_unavailable` instead. Default `allowed`. */
  readonly spool?: 'allowed' | 'never'
  /** What it does when as much is in flight as may be. Default: as the publisher was told. */
  readonly whenFull?: 'wait' | 'refuse'
}

const PUBLISHER_OPTIONS: OptionNames<EventPublisherOptions> = {
  storage: true,
  codec: true,
  validation: true,
  timeoutMs: true,
  defaultSource: true,
  key: true,
  deduplicationWindowMs: true,
  spool: true,
  maxInFlight: true,
  maxInFlightBytes: true,
  whenFull: true,
  logger: true,
  clock: true,
  random: true
}
const PUBLISH_OPTIONS: OptionNames<PublishOptions> = {
  timeoutMs: true,
  spool: true,
  whenFull: true,
  streamKey: true,
  expectedVersion: true
}

/** Refuses with `invalid_options` an option that a publisher does not have. */
export function onlyPublisherOptions(options: EventPublisherOptions): void {
  onlyOptions('EventPublisher', options, PUBLISHER_OPTIONS)
}

/** The options of one publish. Refuses with `invalid_options` what is none. */
export function checkedOptions(options: PublishOptions): PublishOptions {
  onlyOptions('publish()', options, PUBLISH_OPTIONS)
  const { timeoutMs, spool, whenFull } = options
  if (timeoutMs !== undefined) duration('timeoutMs', timeoutMs, 1)
  if (spool !== undefined) choice('spool', spool, ['allowed', 'never'])
  if (whenFull !== undefined) choice('whenFull', whenFull, ['wait', 'refuse'])
  return options
}
