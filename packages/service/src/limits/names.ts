import type { RateName, ShareName } from '@tradpal/event-system/access'

/** A limit of what a caller does in a time. Its name in a policy ends with `_per_second`. */
export interface Rate {
  /** The variable that says it for all whom the policy gives no other. */
  readonly variable: string
  /** What is limited, for people: `publish 200 events`. */
  readonly verb: string
  readonly unit: string
  /** As `RateLimit-Policy` has it; requests are what it means without one. */
  readonly quotaUnit?: string
}

export const RATES = {
  requests: { variable: 'EVENT_LIMIT_REQUESTS_PER_SECOND', verb: 'send', unit: 'requests' },
  publish_events: {
    variable: 'EVENT_LIMIT_PUBLISH_EVENTS_PER_SECOND',
    verb: 'publish',
    unit: 'events',
    quotaUnit: 'events'
  },
  publish_bytes: {
    variable: 'EVENT_LIMIT_PUBLISH_BYTES_PER_SECOND',
    verb: 'publish',
    unit: 'bytes',
    quotaUnit: 'content-bytes'
  },
  read_requests: {
    variable: 'EVENT_LIMIT_READ_REQUESTS_PER_SECOND',
    verb: 'send',
    unit: 'requests that read or replay'
  },
  consume_requests: {
    variable: 'EVENT_LIMIT_CONSUME_REQUESTS_PER_SECOND',
    verb: 'send',
    unit: 'requests that consume'
  },
  admin_requests: {
    variable: 'EVENT_LIMIT_ADMIN_REQUESTS_PER_SECOND',
    verb: 'send',
    unit: 'requests that administer'
  }
} as const satisfies Readonly<Record<RateName, Rate>>

/** A limit of what a caller has under way at once. */
interface Share {
  readonly variable: string
  readonly unit: string
  /** How much may be under way of all callers, and of each, where the variables say nothing. */
  readonly inAll: number
  readonly each: number
}

export const SHARES = {
  streams: { variable: 'EVENT_MAX_STREAMS', unit: 'streams', inAll: 10_000, each: 1_000 },
  pulls: { variable: 'EVENT_MAX_PULLS', unit: 'pulls', inAll: 2_000, each: 500 },
  replays: { variable: 'EVENT_MAX_REPLAYS', unit: 'replays', inAll: 64, each: 16 },
  body_bytes: {
    variable: 'EVENT_MAX_BODY_BYTES_IN_FLIGHT',
    unit: 'bytes of request bodies',
    inAll: 64 * 1_048_576,
    each: 32 * 1_048_576
  }
} as const satisfies Readonly<Record<ShareName, Share>>
