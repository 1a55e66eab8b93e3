import { EventSystemError, type OptionNames, onlyOptions } from '@tradpal/events'
import { isTlsUrl, parseRedisUrl, type RedisAddress } from './address.ts'
import { isRedisDurability, type RedisDurability } from './durability.ts'
import type { IndexOptions } from './indexed/options.ts'
import type { Credentials } from './sentinel-locator.ts'
import type { RedisTlsOptions } from './tls.ts'

export interface RedisStorageOptions {
  /**
   * `redis://[[user]:password@]host[:port][/database]`; `redis+cluster://[[user]:password@]host[:port],…` with some nodes of
   * a Redis Cluster; `redis+sentinel://[[user]:password@]host[:port],…/master[/database]` with the sentinels of a master;
   * `rediss` instead of `redis` for TLS; `redis+unix://[[user]:password@]/path[?db=database]`. Default `redis://localhost:6379`.
   */
  readonly url?: string
  /** With `rediss`: whom to trust, and who we are. Default: what Node trusts, and no client certificate. */
  readonly tls?: RedisTlsOptions
  /** User and password of the sentinels, where they are not those of the master. An empty object where sentinels ask for none. */
  readonly sentinel?: Credentials
  /** The stream's key, and with a colon the prefix of every other key. Default `tradpal_events`. */
  readonly streamName?: string
  /**
   * An event id that comes again within so long is not appended again, in ms; 0 turns it off. All who append to one
   * stream must say the same. Default 120,000.
   */
  readonly deduplicationWindowMs?: number
  /**
   * What an append and a unit that resolved survive. `memory`: what the server is configured for.
   * `fsync`: the loss of its power, by WAITAOF of Redis 7.2. `replicas:N`: the loss of the server, since N replicas have it, by
   * WAIT; when fewer say so within the time of the call it rejects with `log_timeout`, though the server has it. Default `memory`.
   */
  readonly durability?: RedisDurability
  /**
   * `type`: each event type has a stream of its own, and order is kept within a type only. `none`: all events are in one stream, in one order.
   * All who open one log must say the same. Default `none`.
   */
  readonly partitioning?: RedisPartitioning
  /** Keeps an index of the log, by which reads find event types, keys and event times. It takes memory of Redis. Default: none. */
  readonly index?: IndexOptions
  /** How long a call waits for its answer, in ms. A connection that was silent for so long is given up and made anew. Default 5,000. */
  readonly timeoutMs?: number
  /** How long `start()` tries to reach the server, and how long one attempt to connect may take, in ms. Default 2,000. */
  readonly connectTimeoutMs?: number
  /** Called once when the connection is lost after the start, and once when it is there again. */
  readonly onConnectionChange?: (change: ConnectionChange) => void
}

/** How the events of a log are kept in streams. */
export type RedisPartitioning = 'none' | 'type'

export interface ConnectionChange {
  readonly connected: boolean
  /** When it was lost: why. */
  readonly reason?: EventSystemError
}

const NAMES: OptionNames<RedisStorageOptions> = {
  url: true,
  tls: true,
  sentinel: true,
  streamName: true,
  deduplicationWindowMs: true,
  durability: true,
  partitioning: true,
  index: true,
  timeoutMs: true,
  connectTimeoutMs: true,
  onConnectionChange: true
}
const TLS_NAMES: OptionNames<RedisTlsOptions> = { caFile: true, certFile: true, keyFile: true, serverName: true }

export type ResolvedRedisStorageOptions = Required<Omit<RedisStorageOptions, 'url' | 'sentinel' | 'index'>> & {
  readonly address: RedisAddress
  readonly index: IndexOptions | undefined
  readonly sentinel: Credentials | undefined
}

/** Fills in the defaults; refuses with `invalid_options` what makes no sense. */
export function resolveRedisStorageOptions(options: RedisStorageOptions): ResolvedRedisStorageOptions {
  onlyOptions('RedisStorage', options, NAMES)
  if (options.tls !== undefined) onlyOptions('tls', options.tls, TLS_NAMES)
  if (options.sentinel !== undefined) onlyOptions('sentinel', options.sentinel, { username: true, password: true })
  const url = options.url ?? 'redis://localhost:6379'
  const resolved = {
    address: parseRedisUrl(url),
    tls: options.tls ?? {},
    sentinel: options.sentinel,
    streamName: options.streamName ?? 'tradpal_events',
    deduplicationWindowMs: options.deduplicationWindowMs ?? 120_000,
    durability: options.durability ?? 'memory',
    partitioning: options.partitioning ?? 'none',
    index: options.index,
    timeoutMs: options.timeoutMs ?? 5_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
    onConnectionChange: options.onConnectionChange ?? (() => {})
  }
  if (resolved.streamName === '') throw new EventSystemError('invalid_options', 'streamName must not be empty.')
  if (!isRedisDurability(resolved.durability)) {
    const message = `durability of a log in Redis must be memory, fsync or replicas:N, such as replicas:1, got ${JSON.stringify(resolved.durability)}.`
    throw new EventSystemError('invalid_options', message)
  }
  if (resolved.partitioning !== 'none' && resolved.partitioning !== 'type') {
    const message = `partitioning must be none or type, got ${JSON.stringify(resolved.partitioning)}.`
    throw new EventSystemError('invalid_options', message)
  }
  mustBeIndex(resolved)
  mustBeTls(resolved.tls, url)
  if (resolved.sentinel !== undefined && resolved.address.kind !== 'sentinel') {
    throw new EventSystemError('invalid_options', 'sentinel is for a URL that begins with redis+sentinel://.')
  }
  mustBeWhole('deduplicationWindowMs', resolved.deduplicationWindowMs, 0)
  mustBeWhole('timeoutMs', resolved.timeoutMs, 1)
  mustBeWhole('connectTimeoutMs', resolved.connectTimeoutMs, 1)
  return resolved
}

function mustBeIndex({ index, partitioning }: Pick<ResolvedRedisStorageOptions, 'index' | 'partitioning'>): void {
  if (index === undefined) return
  onlyOptions('index', index, { labelsOf: true, segmentSize: true, onProblem: true })
  if (typeof index.labelsOf !== 'function') {
    throw new EventSystemError('invalid_options', 'index.labelsOf must be a function that gives the labels of entries.')
  }
  if (index.segmentSize !== undefined) mustBeWhole('index.segmentSize', index.segmentSize, 1)
  if (partitioning === 'none') return
  const message =
    "An index is for a log in one stream, and partitioning is type: a read by event type is narrow there already, and one by key or event time takes partitioning none. Leave the index out (EVENT_INDEX=off), or say partitioning: 'none' (EVENT_PARTITIONING=none)."
  throw new EventSystemError('invalid_options', message)
}

function mustBeTls(tls: RedisTlsOptions, url: string): void {
  const refuse = (sentence: string) => {
    throw new EventSystemError('invalid_options', sentence)
  }
  const given = Object.entries(tls).filter(([, value]) => value !== undefined)
  if (given.length > 0 && !isTlsUrl(url)) refuse('tls is for a URL that begins with rediss://.')
  for (const [name, value] of given) {
    if (typeof value !== 'string' || value === '') refuse(`tls.${name} must be a text that is not empty.`)
  }
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    refuse(
      'tls.certFile and tls.keyFile belong together (EVENT_REDIS_TLS_CERT_FILE, EVENT_REDIS_TLS_KEY_FILE): give both or neither.'
    )
  }
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
