import type { EnvironmentReader } from '@tradpal/event-system'
import { RATE_NAMES, type RateName, SHARE_NAMES, type ShareName } from '@tradpal/event-system/access'
import { RATES, SHARES } from './names.ts'

/** How much of something may be under way. */
export interface Share {
  readonly inAll: number
  readonly ofEach: number
}

/** What callers may do. The policy can say otherwise of some, by name. */
export interface LimitsConfiguration {
  /** EVENT_LIMIT_…_PER_SECOND: what each principal may do in a second, on average. Default: none. */
  readonly rates: Readonly<Partial<Record<RateName, number>>>
  /** EVENT_LIMIT_BURST_SECONDS: the rates hold over so many seconds, in which as much may come at once. Default 2. */
  readonly burstSeconds: number
  /** EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE: so many wrong credentials are looked at from an address; 0 is no limit. Default 20. */
  readonly authFailuresPerMinute: number
  /** EVENT_MAX_STREAMS, _PULLS, _REPLAYS and _BODY_BYTES_IN_FLIGHT, and those with _PER_PRINCIPAL: how many may be under way on this instance. */
  readonly shares: Readonly<Record<ShareName, Share>>
  /** EVENT_MAX_CONNECTIONS: further ones are closed unanswered. Default 20,000. */
  readonly maxConnections: number
  /** EVENT_MAX_CONNECTIONS_PER_ADDRESS: further ones of an address are answered with 429 and closed. Default: no limit. */
  readonly maxConnectionsPerAddress: number
  /** EVENT_HEADERS_TIMEOUT_MS: the head of a request must have come by then. Default 10,000. */
  readonly headersTimeoutMs: number
  /** EVENT_REQUEST_TIMEOUT_MS: a request must have come whole by then, its body included. Default 30,000. */
  readonly requestTimeoutMs: number
}

/** `maxBodyBytes`: of one body. As much at least may be in flight. */
export function readLimits(read: EnvironmentReader, maxBodyBytes: number): LimitsConfiguration {
  const whole = (variable: string, fallback: number, least: number, most?: number) =>
    read.wholeNumber(variable, undefined, variable, fallback, least, most)
  const rates = RATE_NAMES.flatMap((name) => {
    const limit = read.bound(RATES[name].variable, undefined, RATES[name].variable)
    return limit === Number.POSITIVE_INFINITY ? [] : [[name, mustBePositive(RATES[name].variable, limit, read)]]
  })
  const shares = SHARE_NAMES.map((name) => {
    const { variable, inAll, each } = SHARES[name]
    // A size that is wrong has been told, and is NaN.
    const least = name === 'body_bytes' && maxBodyBytes >= 1 ? maxBodyBytes : 1
    const bound = (variable: string, fallback: number) => whole(variable, Math.max(fallback, least), least)
    return [name, { inAll: bound(variable, inAll), ofEach: bound(`${variable}_PER_PRINCIPAL`, each) }]
  })
  const headersTimeoutMs = whole('EVENT_HEADERS_TIMEOUT_MS', 10_000, 100, 600_000)
  const requestTimeoutMs = whole('EVENT_REQUEST_TIMEOUT_MS', 30_000, 100, 3_600_000)
  if (requestTimeoutMs < headersTimeoutMs) {
    read.wrong(
      `EVENT_REQUEST_TIMEOUT_MS must not be less than EVENT_HEADERS_TIMEOUT_MS, got ${requestTimeoutMs} and ${headersTimeoutMs}.`
    )
  }
  const perAddress = 'EVENT_MAX_CONNECTIONS_PER_ADDRESS'
  return {
    rates: Object.fromEntries(rates),
    burstSeconds: whole('EVENT_LIMIT_BURST_SECONDS', 2, 1, 60),
    authFailuresPerMinute: whole('EVENT_LIMIT_AUTH_FAILURES_PER_MINUTE', 20, 0, 1_000_000),
    shares: Object.fromEntries(shares),
    maxConnections: whole('EVENT_MAX_CONNECTIONS', 20_000, 1),
    maxConnectionsPerAddress: mustBePositive(perAddress, read.bound(perAddress, undefined, perAddress), read),
    headersTimeoutMs,
    requestTimeoutMs
  }
}

function mustBePositive(variable: string, limit: number, read: EnvironmentReader): number {
  if (limit === 0) read.wrong(`${variable} must be at least 1, got 0; without it there is no limit.`)
  return limit
}
