import type * as Api from '@tradpal/event-api'
import type { Rate } from '@tradpal/events'
import type { JsonParts } from '../json-object.ts'
import { counts, field, list, number, object, orNull, reader, time } from './reading.ts'

/** How the log stands, with the wire's own keys. */
export interface EventStats {
  /** `null` to who may not read every event type, as all that tells of the log as a whole. */
  readonly stream_length: number | null
  /** The message ids of the oldest and the newest entry; null when the log is empty. */
  readonly first_entry: string | null
  readonly last_entry: string | null
  /** When the log took them, RFC 3339. */
  readonly first_entry_at: string | null
  readonly last_entry_at: string | null
  readonly consumer_groups: number
  readonly groups: readonly {
    readonly name: string
    readonly consumers: number
    /** Handed out and not yet acknowledged. */
    readonly pending: number
    readonly 'last-delivered-id': string
    /** Not yet handed out; null where the log cannot tell. */
    readonly lag: number | null
    readonly [key: string]: unknown
  }[]
  readonly dead_letters: number
  /** Event ids that deduplication knows. */
  readonly deduplication_entries: number | null
  /** What the log takes, about. */
  readonly bytes: number | null
  /** `sqlite` or `redis`, and where it is. */
  readonly log: string
  readonly location: string
  readonly [key: string]: unknown
}

/** How the service is, with the wire's own keys. To who is unknown where credentials are asked for, it says no more than status, timestamp and service. */
export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** A sentence for each thing that is not as it should be. */
  readonly reasons?: readonly string[]
  /** A sentence for each thing in the way in which the log is kept that may lose events. A service of an older version says nothing of it. */
  readonly warnings?: readonly string[]
  readonly timestamp: string
  readonly service: string
  readonly version?: string
  readonly uptime_seconds?: number
  readonly log?: {
    readonly kind: string
    readonly location: string
    readonly reachable: boolean
    /** How long it took to answer. */
    readonly latency_ms: number | null
    /** Why it is not reachable. */
    readonly reason?: string
  }
  /** Consumers inside the service. */
  readonly consumers?: number
  /** Readers of the live stream. */
  readonly open_streams?: number
  readonly [key: string]: unknown
}

const lengthOf = field<Api.EventStats, number | null>('stream_length', orNull(number))
const groupsOf = field<Api.EventStats, object[]>('groups', list(object))

export function eventStatsOf(body: unknown): EventStats {
  lengthOf(body)
  groupsOf(body)
  return body as Api.EventStats
}

const STATUSES: ReadonlySet<unknown> = new Set<Api.HealthReport['status']>(['healthy', 'degraded', 'unhealthy'])

/** The report, or undefined for what is none. */
export function healthReportOf(body: JsonParts | undefined): HealthReport | undefined {
  return STATUSES.has(body?.status) ? (body as Api.HealthReport) : undefined
}

export const ratesOf = field<Api.Rates, Rate[]>('rates', list(reader<Api.Rate, Rate>({ at: time, counts })))
