import { resolve } from 'node:path'
import { type Clock, EventSystemError, type OptionNames, onlyOptions, systemClock } from '@tradpal/events'
import { type Encryption, labelsOf, type Signing } from '../codec/index.ts'
import { MAX_GROUPS } from '../groups/index.ts'
import type { HealthBounds } from '../health.ts'
import type { Entry, Storage } from '../log/index.ts'
import { type ConnectionChange, RedisStorage } from '../log/redis/index.ts'
import { SqliteStorage } from '../log/sqlite/index.ts'
import { type Logger, type LoggerOption, loggerOf, shown, silentLogger } from '../runtime/index.ts'
import type { RetentionPolicy } from '../store/index.ts'
import { type AuditLog, redisAuditLog, sqliteAuditLog } from './audit-log.ts'
import { type DurabilityOptions, readDurability } from './durability.ts'
import { type EncryptionOptions, readEncryption } from './encryption.ts'
import { type Environment, EnvironmentReader } from './environment.ts'
import { warnOfExposed } from './exposed-files.ts'
import { type IndexingOptions, readIndexing } from './indexing.ts'
import { type MisspeltVariable, misspeltVariables, recordedEnvironment } from './misspelt-variables.ts'
import { type PartitioningOptions, readPartitioning } from './partitioning.ts'
import { type Publishing, type PublishingOptions, publishingOf, readPublishing } from './publishing.ts'
import { type RedisAccessOptions, readRedisAccess } from './redis-access.ts'
import { readSigning, type SigningOptions } from './signing.ts'

/** The longest time that a timer of Node takes, in ms. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** Everything is optional: what is not given comes from the environment, and what is not there has a default. */
export interface EventSystemOptions
  extends RedisAccessOptions,
    DurabilityOptions,
    PartitioningOptions,
    IndexingOptions,
    PublishingOptions {
  /**
   * A Redis to keep the log in: `redis://[user:password@]host[:port][/database]`, `redis+cluster://host[:port],host[:port]`,
   * `redis+sentinel://host[:port],host[:port]/master[/database]`, each with `rediss` for TLS, or `redis+unix:///path`.
   * Environment: REDIS_URL. Default: none, the log is embedded.
   */
  readonly redisUrl?: string
  /** The stream in Redis. Environment: EVENT_STREAM_NAME. Default `tradpal_events`. */
  readonly streamName?: string
  /** The group of a consumer that names none. Environment: EVENT_CONSUMER_GROUP. Default `tradpal_consumers`. */
  readonly consumerGroup?: string
  /** The file of the embedded log. Given here, it wins over REDIS_URL. Environment: EVENT_LOG_PATH. Default `./data/tradpal_events.db`. */
  readonly logPath?: string
  /** An event id that comes again within so long is not appended again, in ms; 0 turns it off. Environment: EVENT_DEDUPLICATION_WINDOW_MS. Default 120,000. */
  readonly deduplicationWindowMs?: number
  /** How long a group remembers, at least, what `idempotent` handlers, `context.once()` and `context.publish()` are done with, in ms. Environment: EVENT_LEDGER_RETENTION_MS. Default 86,400,000: a day. */
  readonly ledgerRetentionMs?: number
  /** What is kept of the log, enforced every minute from `initialize()` to `close()`. Default: everything. */
  readonly retention?: RetentionPolicy
  /** A consumer group whose oldest event that it was not yet handed is older, in ms, makes the system `degraded`. Environment: EVENT_HEALTH_MAX_LAG_MS. Default: none does. */
  readonly healthMaxLagMs?: number
  /** And one that has not acknowledged an event that it was handed, by its age, in ms: its handler hangs, or fails again and again. Environment: EVENT_HEALTH_MAX_PENDING_MS. Default: none does. */
  readonly healthMaxPendingMs?: number
  /** A consumer group with more dead letters makes the system `degraded`. Environment: EVENT_HEALTH_MAX_DEAD_LETTERS. Default: none does. */
  readonly healthMaxDeadLetters?: number
  /** A pull that would make a consumer group is refused when the log has this many. Groups that a consumer of this system makes count, and are never refused. Environment: EVENT_MAX_GROUPS. Default 1,000. */
  readonly maxGroups?: number
  /** How long a call waits for the log, in ms. Environment: EVENT_LOG_TIMEOUT_MS. Default 5,000. */
  readonly timeoutMs?: number
  /** What the log, its dead letters and the spool hold is encrypted on the disk. Default: it is not, unless the environment says so. */
  readonly encryption?: EncryptionOptions
  /** What is published is signed, and what is read verified. Default: neither, unless the environment says so. */
  readonly signing?: SigningOptions
  /** A log of your own, instead of one that the above describe: excludes `redisUrl` and `logPath`. The system starts and closes it. */
  readonly storage?: Storage
  /** A pino logger, or `console`. Default: warnings and errors as lines of JSON on stderr ({@link stderrLogger}). */
  readonly logger?: LoggerOption
  readonly clock?: Clock
  /** Where the variables are read from. Default: process.env. */
  readonly environment?: Environment
}

/** Every option of an event system. */
export const OPTIONS: OptionNames<EventSystemOptions> = {
  redisUrl: true,
  streamName: true,
  consumerGroup: true,
  logPath: true,
  deduplicationWindowMs: true,
  ledgerRetentionMs: true,
  retention: true,
  healthMaxLagMs: true,
  healthMaxPendingMs: true,
  healthMaxDeadLetters: true,
  maxGroups: true,
  timeoutMs: true,
  encryption: true,
  signing: true,
  storage: true,
  logger: true,
  clock: true,
  environment: true,
  redisTls: true,
  redisSentinel: true,
  durability: true,
  partitioning: true,
  index: true,
  validation: true,
  maxEventBytes: true,
  compression: true,
  spoolPath: true,
  spoolMaxBytes: true,
  spoolDurability: true,
  publishMaxInFlight: true,
  publishMaxInFlightBytes: true,
  publishWhenFull: true
}

export interface EventSystemConfiguration {
  readonly storage: Storage
  readonly consumerGroup: string
  readonly timeoutMs: number
  readonly healthBounds: HealthBounds
  readonly maxGroups: number
  readonly publishing: Publishing
  readonly ledgerRetentionMs: number
  /** Undefined where nothing is encrypted. */
  readonly encryption: Encryption | undefined
  /** Undefined where nothing is signed or verified. */
  readonly signing: Signing | undefined
  /** How the log is kept, for people: what was asked of it beside its place. Empty for a log of your own. */
  readonly logSettings: Readonly<Record<string, string | number>>
  /** Undefined for a log of your own. */
  readonly auditLog?: () => AuditLog
  /** Variables that nothing reads and that resemble one of the library. */
  readonly misspelt: readonly MisspeltVariable[]
  readonly logger: Logger
  readonly clock: Clock
}

/** Options, then the environment, then defaults. Refuses with `invalid_options`, in a sentence for each wrong value, what makes no sense. */
export function configure(options: EventSystemOptions): EventSystemConfiguration {
  onlyOptions('EventSystem', options, OPTIONS)
  refuseWrongParts(options)
  const { environment, known } = recordedEnvironment(options.environment ?? process.env)
  const read = new EnvironmentReader(environment)
  const timeoutMs = read.wholeNumber(
    'timeoutMs',
    options.timeoutMs,
    'EVENT_LOG_TIMEOUT_MS',
    5_000,
    1,
    LONGEST_TIMEOUT_MS
  )
  const deduplicationWindowMs = read.wholeNumber(
    'deduplicationWindowMs',
    options.deduplicationWindowMs,
    'EVENT_DEDUPLICATION_WINDOW_MS',
    120_000,
    0,
    LONGEST_TIMEOUT_MS
  )
  const ledgerRetentionMs = read.wholeNumber(
    'ledgerRetentionMs',
    options.ledgerRetentionMs,
    'EVENT_LEDGER_RETENTION_MS',
    86_400_000,
    1
  )
  const healthBounds: HealthBounds = {
    maxLagMs: read.bound('healthMaxLagMs', options.healthMaxLagMs, 'EVENT_HEALTH_MAX_LAG_MS'),
    maxPendingMs: read.bound('healthMaxPendingMs', options.healthMaxPendingMs, 'EVENT_HEALTH_MAX_PENDING_MS'),
    maxDeadLetters: read.bound('healthMaxDeadLetters', options.healthMaxDeadLetters, 'EVENT_HEALTH_MAX_DEAD_LETTERS')
  }
  const maxGroups = read.wholeNumber('maxGroups', options.maxGroups, 'EVENT_MAX_GROUPS', MAX_GROUPS, 1)
  const streamName = read.text('streamName', options.streamName, 'EVENT_STREAM_NAME', 'tradpal_events')
  const consumerGroup = read.text('consumerGroup', options.consumerGroup, 'EVENT_CONSUMER_GROUP', 'tradpal_consumers')
  const path = read.text('logPath', options.logPath, 'EVENT_LOG_PATH', './data/tradpal_events.db')
  const isEmbedded = options.redisUrl === undefined && options.logPath !== undefined
  const redisUrl =
    isEmbedded || options.storage !== undefined ? undefined : read.redisUrl('redisUrl', options.redisUrl, 'REDIS_URL')
  const isElsewhere = isEmbedded || options.storage !== undefined
  const partitioning = readPartitioning(options, read, { isRedis: redisUrl !== undefined, isElsewhere })
  const indexing = readIndexing(options, read, partitioning)
  const askedPublishing = readPublishing(options, read)
  const { spoolPath } = askedPublishing
  if (
    redisUrl === undefined &&
    typeof spoolPath === 'string' &&
    typeof path === 'string' &&
    resolve(spoolPath) === resolve(path)
  ) {
    read.wrong(`The spool needs a file of its own, not that of the log: ${spoolPath}.`)
  }
  const isNamed = isElsewhere || options.redisUrl !== undefined
  const access = readRedisAccess(options, read, redisUrl, isNamed)
  const kind = redisUrl === undefined ? 'embedded' : 'redis'
  const durability = readDurability(options, read, kind, isNamed)
  const places = (['redisUrl', 'logPath', 'storage'] as const).filter((name) => options[name] !== undefined)
  if (places.length > 1) read.wrong(`${places.join(' and ')} exclude each other: give the one where the log is.`)
  const { clock = systemClock } = options
  const logger = read.checked(() => loggerOf(options.logger)) ?? silentLogger
  const encryption = readEncryption(options.encryption, read, logger)
  const signing = readSigning(options.signing, read, logger)
  read.finish()
  const onConnectionChange = ({ connected, reason }: ConnectionChange) => {
    if (connected) logger.info({}, 'the connection to Redis is there again')
    else logger.warn({ err: reason }, 'the connection to Redis is lost; it is being made again')
  }
  const onProblem = (reason: EventSystemError) =>
    logger.warn({ err: reason }, 'the index of the log does not go on; it is tried again and again')
  const onExposed = warnOfExposed(logger)
  const publishing = publishingOf(
    askedPublishing,
    { deduplicationWindowMs, timeoutMs, clock, onExposed },
    { encryption, signing }
  )
  const ofEither = { deduplicationWindowMs, timeoutMs }
  const others = {
    consumerGroup,
    timeoutMs,
    healthBounds,
    maxGroups,
    publishing,
    ledgerRetentionMs,
    encryption,
    signing,
    misspelt: misspeltVariables(options.environment ?? process.env, known),
    logger,
    clock
  }
  if (options.storage !== undefined) {
    encryption?.keepKeysIn(options.storage)
    return { storage: options.storage, logSettings: {}, ...others }
  }
  if (redisUrl === undefined) {
    const settings = { durability: durability.embedded, ...ofEither }
    const auditLog = () => sqliteAuditLog({ path, clock, timeoutMs, durability: durability.embedded, onExposed })
    const storage = new SqliteStorage({ path, clock, onExposed, ...settings })
    encryption?.keepKeysIn(storage)
    return {
      storage,
      logSettings: settings,
      auditLog,
      ...others
    }
  }
  const settings = { durability: durability.redis, partitioning, ...ofEither }
  const place = { url: redisUrl, streamName, ...access }
  const labels = (entries: readonly Entry[]) => labelsOf(entries, publishing.codec)
  const index = indexing === 'on' ? { index: { labelsOf: labels, onProblem } } : {}
  const storage = new RedisStorage({ ...place, ...index, onConnectionChange, ...settings })
  const auditLog = () => redisAuditLog({ ...place, timeoutMs, durability: durability.redis })
  encryption?.keepKeysIn(storage)
  return { storage, logSettings: { ...settings, index: indexing }, auditLog, ...others }
}

/** What is no value but has methods, or is read before all else. */
function refuseWrongParts({ clock, storage, environment }: EventSystemOptions): void {
  const faults: string[] = []
  if (clock !== undefined && (typeof clock?.now !== 'function' || typeof clock.sleep !== 'function')) {
    faults.push(`clock must be a clock with now() and sleep(), such as a FakeClock, got ${shown(clock)}.`)
  }
  if (storage !== undefined && typeof storage?.start !== 'function') {
    faults.push(`storage must be a storage, such as new SqliteStorage({ path }), got ${shown(storage)}.`)
  }
  if (environment !== undefined && (typeof environment !== 'object' || environment === null)) {
    faults.push(`environment must be an object of variables, such as process.env, got ${shown(environment)}.`)
  }
  if (faults.length > 0) throw new EventSystemError('invalid_options', faults.join('\n'))
}
