import type { CanonicalType, EventData } from './event-type-names.ts'
import type { JsonObject, JsonValue } from './json-value.ts'

/**
 * What travels beside the data. `correlation_id` and `causation_id` are the event's lineage. A service that does not use this
 * library may write null there, or a value of another type: that names nothing.
 */
export interface EventMetadata {
  /** The id shared by everything that follows from one first event. */
  readonly correlation_id?: string | null
  /** The `eventId` of the event whose handling published this one. */
  readonly causation_id?: string | null
  /** The version of its type that the data have. Default: 0, that of services which know of no versions. */
  readonly schema_version?: number
  readonly [key: string]: JsonValue | undefined
}

/** Something that happened. Immutable; `@tradpal/events` makes them with `createEvent` and reads them with `decodeEvent`. */
export interface Event<T extends string = string> {
  /** The canonical name of its type: scopes, filters and indexes go by it. */
  readonly eventType: T
  /** The name that it was sent under, where that is another: `backtest_complete`. The event is stored and answered under it. */
  readonly wireType?: string
  /** Unique for the event, a UUID unless the publisher chose another. Deduplication goes by it. */
  readonly eventId: string
  /** When it happened, RFC 3339 in UTC with 3 or 6 fraction digits and the offset `+00:00`: `2026-11-23T08:49:10.123+00:00`. */
  readonly timestamp: string
  /** Which service published it; empty when it did not say. */
  readonly source: string
  readonly data: EventData<T>
  readonly metadata: EventMetadata
}

/** An event together with its place in the log. */
export type StoredEvent<T extends string = string> = Event<T> & { readonly messageId: string }

/** An event of a query whose data fit the newest version of its type; of a type that is not known here, any data. */
export type ValidEvent<T extends string = string> = StoredEvent<T> & { readonly valid: true }

/** An event of a query whose data do not fit the newest version of its type: as it is stored, and why. */
export type InvalidEvent<T extends string = string> = Omit<StoredEvent<T>, 'data'> & {
  readonly valid: false
  readonly data: JsonObject
  readonly fault: DataFault
}

/** What is wrong with the data of an event, in the form of the newest version. */
export interface DataFault {
  /** A sentence. */
  readonly message: string
  /** JSON pointer (RFC 6901) of the value that is wrong, from the root of the event. */
  readonly pointer: string
}

/** An event of these types, as it is answered: by default in the newest form, with `raw` as it is stored. */
export type Answer<T extends string = string, Raw extends boolean = false> = Raw extends true ? StoredEvent : EventOf<T>

/** An event of a stream key, as it is answered, and its place in the stream. */
export type StreamEvent<Raw extends boolean = false> = Answer<string, Raw> & {
  /** What it was published with. */
  readonly streamKey: string
  /** Its number among the events of the key, from 1: the `version` of its receipt. */
  readonly version: number
}

/** How events are answered. */
export interface ReadOptions<Raw extends boolean = false> {
  /** Each event as it is stored, and not in the newest form. Default false. */
  readonly raw?: Raw
}

/** A stored event of one of these types; `eventType` tells several apart. */
export type StoredEventOf<T extends string> = T extends unknown ? StoredEvent<CanonicalType<T>> : never

/**
 * What a query of these types answers. The data are typed where `valid` is true, and `eventType` tells several types
 * apart. Of a type that the compiler does not know the data are any JSON object.
 */
export type EventOf<T extends string> = T extends unknown
  ? ValidEvent<CanonicalType<T>> | InvalidEvent<CanonicalType<T>>
  : never
