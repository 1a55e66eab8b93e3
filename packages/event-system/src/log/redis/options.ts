import { EventSystemError } from '@tradpal/events'

export interface RedisLogOptions {
  /** `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS. Default `redis://localhost:6379`. */
  readonly url?: string
  /** The stream's key, and with a colon the prefix of every other key. Default `tradpal_events`. */
  readonly streamName?: string
  /** An event id that comes again within so long is not appended again, in ms; 0 turns it off. Default 120,000. */
  readonly deduplicationWindowMs?: number
  /** How long a call waits for its answer, in ms. Default 5,000. */
  readonly timeoutMs?: number
  /** How long `start()` waits for the connection, in ms. Default 2,000. */
  readonly connectTimeoutMs?: number
}

export type ResolvedRedisLogOptions = Required<RedisLogOptions>

/** Fills in the defaults; refuses with `invalid_options` what makes no sense. */
export function resolveRedisLogOptions(options: RedisLogOptions): ResolvedRedisLogOptions {
  const resolved = {
    url: options.url ?? 'redis://localhost:6379',
    streamName: options.streamName ?? 'tradpal_events',
    deduplicationWindowMs: options.deduplicationWindowMs ?? 120_000,
    timeoutMs: options.timeoutMs ?? 5_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000
  }
  if (!URL.canParse(resolved.url) || !/^rediss?:$/.test(new URL(resolved.url).protocol)) {
    throw new EventSystemError('invalid_options', 'The URL of a Redis must begin with redis:// or rediss://, such as redis://localhost:6379.')
  }
  if (resolved.streamName === '') throw new EventSystemError('invalid_options', 'streamName must not be empty.')
  mustBeWhole('deduplicationWindowMs', resolved.deduplicationWindowMs, 0)
  mustBeWhole('timeoutMs', resolved.timeoutMs, 1)
  mustBeWhole('connectTimeoutMs', resolved.connectTimeoutMs, 1)
  return resolved
}

function mustBeWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new EventSystemError('invalid_options', `${name} must be a whole number of at least ${least}, got ${value}.`)
}

/** Where the log is, for people: without user and password. */
export function locationOf(url: string, streamName: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname} ${streamName}`
}
