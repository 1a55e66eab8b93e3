import { LeasedGroup, partitionedNames } from '../partitioned/index.ts'
import type {
  Collections,
  Counters,
  Cursors,
  Leases,
  PartitionedGroup,
  Storage,
  StorageFeatures,
  StorageWarning,
  Unit,
  UnitResult
} from '../port.ts'
import { UNIT_PARTS } from '../unit-terms.ts'
import { RedisCollections } from './collections.ts'
import { Committer } from './committer.ts'
import { Connection } from './connection.ts'
import { RedisCounters } from './counters.ts'
import { RedisCursors } from './cursors.ts'
import { Doorbell } from './doorbell.ts'
import { groupNamesIn } from './group-info.ts'
import { clusterPrefix, type LogKeys, logKeys } from './keys.ts'
import { mustBeKnownLayout } from './layout.ts'
import { RedisLeases } from './leases.ts'
import { type RedisStorageOptions, resolveRedisStorageOptions } from './options.ts'
import { RedisGroup } from './redis-group.ts'
import { RedisLog } from './redis-log.ts'
import { Safety } from './safety.ts'

/** A storage in Redis: the log in a stream, and what stands beside it in keys of its own. */
export class RedisStorage implements Storage {
  readonly kind = 'redis'
  readonly location: string
  readonly features: StorageFeatures = {
    totalOrder: true,
    typeIndex: false,
    foreignWriters: true,
    persistent: true,
    atomic: UNIT_PARTS
  }
  readonly log: RedisLog
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections
  readonly counters: Counters
  readonly #keys: LogKeys
  readonly #connection: Connection
  readonly #committer: Committer
  readonly #doorbell: Doorbell
  readonly #safety: Safety

  /** Throws `invalid_options`. Connects to nothing before `start()`. */
  constructor(options: RedisStorageOptions = {}) {
    const resolved = resolveRedisStorageOptions(options)
    const { streamName, address } = resolved
    const keys = logKeys(streamName, address.kind === 'cluster' ? clusterPrefix(streamName) : streamName)
    const connection = new Connection(resolved, keys.confirmed)
    this.#keys = keys
    this.#connection = connection
    this.location = connection.location
    this.#committer = new Committer(connection, keys, resolved)
    this.#doorbell = new Doorbell(connection.newBlockingLine(), connection, streamName)
    this.#safety = new Safety(connection, resolved.durability)
    this.log = new RedisLog({ storage: this, connection, keys, doorbell: this.#doorbell, options: resolved })
    this.leases = new RedisLeases(connection, keys.leases)
    this.cursors = new RedisCursors(connection, keys)
    this.collections = new RedisCollections(connection, this.#committer, keys)
    this.counters = new RedisCounters(connection, keys)
  }

  /** Tries for `connectTimeoutMs` to reach a server that is ready. Rejects with `log_incompatible` when an earlier version keeps this log in another layout. */
  async start(): Promise<void> {
    await this.#connection.open()
    await mustBeKnownLayout(this.#connection, this.#keys)
  }

  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.log.end()
    this.#doorbell.ringAll()
    await this.#connection.close(timeoutMs)
  }

  async ping(): Promise<void> {
    await this.#connection.read(['PING'])
  }

  warnings(): Promise<StorageWarning[]> {
    return this.#safety.warnings()
  }

  queue(group: string): RedisGroup {
    return new RedisGroup(group, { connection: this.#connection, doorbell: this.#doorbell, keys: this.#keys })
  }

  partitioned(group: string): PartitionedGroup {
    return new LeasedGroup(group, this)
  }

  async groupNames(): Promise<string[]> {
    const own = await groupNamesIn(this.#connection, this.#keys.stream)
    return [...own, ...(await partitionedNames(this))]
  }

  commit(units: readonly Unit[], options: { timeoutMs?: number } = {}): Promise<UnitResult[]> {
    return this.#committer.commit(units, options)
  }
}
