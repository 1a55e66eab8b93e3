import { type Clock, VALIDATIONS, type Validation } from '@tradpal/events'
import {
  type Compression,
  type Encryption,
  type EventCodec,
  eventCodec,
  MAX_EVENT_BYTES,
  type Signing
} from '../codec/index.ts'
import { SqliteStorage, type SqliteStorageOptions } from '../log/sqlite/index.ts'
import type { BackpressureOptions, SpoolOptions } from '../publish/index.ts'
import type { EnvironmentReader } from './environment.ts'

/** What may be published, and what publishing does when the log is away or slow. */
export interface PublishingOptions {
  /** How the data of events are checked when they are published. Environment: EVENT_VALIDATION. Default `strict`; the service's own is `platform`. */
  readonly validation?: Validation
  /** A larger event is refused with `payload_too_large`, in bytes of its JSON. Environment: EVENT_MAX_EVENT_BYTES. Default 1,048,576: 1 MiB. */
  readonly maxEventBytes?: number
  /**
   * How the data of published events are compressed before they are stored, where that makes them smaller: `none`, or `zstd`, which other
   * readers of the log have to undo. Compressed events are read in any case. Environment: EVENT_COMPRESSION. Default `none`.
   */
  readonly compression?: Compression
  /**
   * A file on the disk of this machine, of this process alone: events go there that the log does not take in time, and
   * from there, in order and once, into the log when it is there again. Environment: EVENT_SPOOL_PATH. Default: none,
   * publishes that the log does not take reject.
   */
  readonly spoolPath?: string
  /** How much the spool may hold, in bytes of events: beyond it publishes reject with `spool_full`. Environment: EVENT_SPOOL_MAX_BYTES. Default 1,073,741,824: 1 GiB. */
  readonly spoolMaxBytes?: number
  /** What a spooled event survives: `os` the end of the process, `disk` the loss of power. Environment: EVENT_SPOOL_DURABILITY. Default `os`. */
  readonly spoolDurability?: 'os' | 'disk'
  /** So many events may wait for the log at once. Environment: EVENT_PUBLISH_MAX_IN_FLIGHT. Default 100,000. */
  readonly publishMaxInFlight?: number
  /** And so many bytes of them. Environment: EVENT_PUBLISH_MAX_IN_FLIGHT_BYTES. Default 67,108,864: 64 MiB. */
  readonly publishMaxInFlightBytes?: number
  /** What a publish does when as many wait: `wait`, up to its time, or `refuse`, with `publisher_busy`. Environment: EVENT_PUBLISH_WHEN_FULL. Default `wait`. */
  readonly publishWhenFull?: 'wait' | 'refuse'
}

export interface Publishing extends BackpressureOptions {
  readonly codec: EventCodec
  readonly validation: Validation
  readonly deduplicationWindowMs: number
  readonly spool?: SpoolOptions
}

/** What was asked for, checked: nothing is made of it before all else is. */
export interface AskedPublishing {
  readonly validation: Validation
  readonly maxEventBytes: number
  readonly compression: Compression
  readonly backpressure: BackpressureOptions
  readonly spoolPath: string | undefined
  readonly spoolMaxBytes: number
  readonly spoolDurability: 'os' | 'disk'
}

export function readPublishing(options: PublishingOptions, read: EnvironmentReader): AskedPublishing {
  const limit = (option: keyof PublishingOptions, given: number | undefined, variable: string, fallback: number) =>
    read.wholeNumber(option, given, variable, fallback, 1)
  const { publishMaxInFlight, publishMaxInFlightBytes, publishWhenFull, spoolMaxBytes, spoolDurability } = options
  return {
    validation: read.choice('validation', options.validation, 'EVENT_VALIDATION', VALIDATIONS),
    maxEventBytes: limit('maxEventBytes', options.maxEventBytes, 'EVENT_MAX_EVENT_BYTES', MAX_EVENT_BYTES),
    compression: read.choice('compression', options.compression, 'EVENT_COMPRESSION', ['none', 'zstd']),
    backpressure: {
      maxInFlight: limit('publishMaxInFlight', publishMaxInFlight, 'EVENT_PUBLISH_MAX_IN_FLIGHT', 100_000),
      maxInFlightBytes: limit(
        'publishMaxInFlightBytes',
        publishMaxInFlightBytes,
        'EVENT_PUBLISH_MAX_IN_FLIGHT_BYTES',
        64 * 1024 ** 2
      ),
      whenFull: read.choice('publishWhenFull', publishWhenFull, 'EVENT_PUBLISH_WHEN_FULL', ['wait', 'refuse'])
    },
    spoolPath: read.optionalText('spoolPath', options.spoolPath, 'EVENT_SPOOL_PATH'),
    spoolMaxBytes: limit('spoolMaxBytes', spoolMaxBytes, 'EVENT_SPOOL_MAX_BYTES', 1024 ** 3),
    spoolDurability: read.choice('spoolDurability', spoolDurability, 'EVENT_SPOOL_DURABILITY', ['os', 'disk'])
  }
}

/** What is the log's own, and the spool's too. */
interface OfTheLog {
  readonly deduplicationWindowMs: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly onExposed: NonNullable<SqliteStorageOptions['onExposed']>
}

export function publishingOf(
  asked: AskedPublishing,
  ofTheLog: OfTheLog,
  { encryption, signing }: { readonly encryption: Encryption | undefined; readonly signing: Signing | undefined }
): Publishing {
  const { backpressure, validation, maxEventBytes, compression } = asked
  const { spoolPath: path, spoolMaxBytes: maxBytes, spoolDurability: durability } = asked
  const { deduplicationWindowMs } = ofTheLog
  const codec = eventCodec({ maxEventBytes, compression, encryption, signing })
  const publishing = { ...backpressure, codec, validation, deduplicationWindowMs }
  if (path === undefined) return publishing
  const store = new SqliteStorage({ path, durability, ...ofTheLog })
  return { ...publishing, spool: { store, maxBytes, vault: encryption?.vault } }
}
