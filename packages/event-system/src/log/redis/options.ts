import { EventSystemError } from '@tradpal/events'
import { parseRedisUrl, type RedisAddress } from './address.ts'

export interface RedisLogOptions {
  /**
   * `redis://[[user]:password@]host[:port][/database]`, or `redis+cluster://[[user]:password@]host[:port],…` with some nodes
   * of a Redis Cluster; `rediss` instead of `redis` for TLS. Default `redis://localhost:6379`.
   */
  readonly url?: string
  /** The stream's key, and with a colon the prefix of every other key. Default `tradpal_events`. */
  readonly streamName?: string
  /**
   * An event id that comes again within so long is not appended again, in ms; 0 turns it off. All who append to one
   * stream must say the same. Default 120,000.
   */
  readonly deduplicationWindowMs?: number
  /**
   * A group's ledger remembers each entry for at least so long, in ms, and for at most twice as long. All who consume in
   * one group must say the same. Default 86,400,000, a day.
   */
  readonly ledgerRetentionMs?: number
  /**
   * `none`: what is appended goes to the one stream. `type`: each event type has a stream of its own, for whoever wants
   * only some types, or keeps them for different times. What is in the log already stays where it is, and either reads
   * what the other appends. Default `none`.
   */
  readonly partitioning?: 'none' | 'type'
  /** How long a call waits for its answer, in ms. A connection that was silent for so long is given up and made anew. Default 5,000. */
  readonly timeoutMs?: number
  /** How long `start()` tries to reach the server, and how long one attempt to connect may take, in ms. Default 2,000. */
  readonly connectTimeoutMs?: number
  /** Called once when the connection is lost after the start, and once when it is there again. */
  readonly onConnectionChange?: (change: ConnectionChange) => void
}

export interface ConnectionChange {
  readonly connected: boolean
  /** When it was lost: why. */
  readonly reason?: EventSystemError
}

export type ResolvedRedisLogOptions = Required<Omit<RedisLogOptions, 'url'>> & { readonly address: RedisAddress }

/** Fills in the defaults; refuses with `invalid_options` what makes no sense. */
export function resolveRedisLogOptions(options: RedisLogOptions): ResolvedRedisLogOptions {
  const resolved = {
    address: parseRedisUrl(options.url ?? 'redis://localhost:6379'),
    streamName: options.streamName ?? 'tradpal_events',
    deduplicationWindowMs: options.deduplicationWindowMs ?? 120_000,
    ledgerRetentionMs: options.ledgerRetentionMs ?? 86_400_000,
    partitioning: options.partitioning ?? 'none',
    timeoutMs: options.timeoutMs ?? 5_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
    onConnectionChange: options.onConnectionChange ?? (() => {})
  }
  if (resolved.streamName === '') throw new EventSystemError('invalid_options', 'streamName must not be empty.')
  if (resolved.partitioning !== 'none' && resolved.partitioning !== 'type') {
    const message = `partitioning must be none or type, got ${JSON.stringify(resolved.partitioning)}.`
    throw new EventSystemError('invalid_options', message)
  }
  mustBeWhole('deduplicationWindowMs', resolved.deduplicationWindowMs, 0)
  mustBeWhole('ledgerRetentionMs', resolved.ledgerRetentionMs, 1)
  mustBeWhole('timeoutMs', resolved.timeoutMs, 1)
  mustBeWhole('connectTimeoutMs', resolved.connectTimeoutMs, 1)
  return resolved
}

/** The longest time that a timer of Node takes, in ms. */
const LONGEST_MS = 2 ** 31 - 1

function mustBeWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= LONGEST_MS) return
  throw new EventSystemError(
    'invalid_options',
    `${name} must be a whole number from ${least} to ${LONGEST_MS}, got ${value}.`
  )
}
