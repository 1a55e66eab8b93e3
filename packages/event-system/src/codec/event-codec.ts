import { AS_STORED, decodeEvent, type Event } from '@tradpal/events'
import { zstdReader, zstdStage } from './compression/zstd.ts'
import { encryptionWithoutKeys } from './encryption/encryption-stage.ts'
import type { ContentStage, EventStage } from './stage.ts'
import { type EventCodec, stagedCodec } from './staged-codec.ts'

/** The default of the largest event, in bytes of its JSON. */
export const MAX_EVENT_BYTES = 1_048_576
/** Content may unpack to this many times the largest event: a process with a lower maximum reads the events of one with a higher. */
const UNPACKED_ROOM = 4

export type Compression = 'none' | 'zstd'

export interface EventCodecOptions {
  /** Default {@link MAX_EVENT_BYTES}. */
  readonly maxEventBytes?: number
  /** How data are compressed before they are stored. Compressed events are read in any case. Default `none`. */
  readonly compression?: Compression
  /** Default: nothing is encrypted, and encrypted events are refused with `key_missing`. */
  readonly encryption?:
    | (Pick<EventCodec, 'keysOf'> & { readonly stage: ContentStage; readonly hidesMetadata: boolean })
    | undefined
  /** Default: nothing is signed or verified. */
  readonly signing?: EventStage | undefined
}

/** The codec of a log. An event is signed, written as JSON, compressed, and encrypted. */
export function eventCodec(options: EventCodecOptions = {}): EventCodec {
  const { maxEventBytes = MAX_EVENT_BYTES, compression = 'none', encryption, signing } = options
  const maxBytes = UNPACKED_ROOM * Math.max(maxEventBytes, MAX_EVENT_BYTES)
  return stagedCodec({
    maxEventBytes,
    holds: encryption?.hidesMetadata ? 'event' : 'data',
    ...(encryption?.keysOf && { keysOf: encryption.keysOf }),
    eventStages: signing === undefined ? [] : [signing],
    contentStages: [
      compression === 'zstd' ? zstdStage(maxBytes) : zstdReader(maxBytes),
      encryption?.stage ?? encryptionWithoutKeys
    ]
  })
}

/** Writes the wire JSON. */
export const plainCodec = eventCodec()

/** The {@link EventCodec.prepareDecoding} of entries. */
export function prepareReading(
  codec: EventCodec,
  entries: readonly { readonly payload: string | null }[]
): Promise<void> | undefined {
  return codec.prepareDecoding?.(entries.map(({ payload }) => payload))
}

/** A stored event as far as it stands in the clear: at least its id and type. Undefined for a payload that is no event. */
export function clearPartOf(payload: string | null): Event | undefined {
  if (payload === null) return undefined
  try {
    return decodeEvent(payload, AS_STORED)
  } catch {
    return undefined
  }
}
