import { EventSystemError } from '@tradpal/events'
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
  UnitResult,
  WorkQueue
} from '../port.ts'
import { UNIT_PARTS } from '../unit-terms.ts'
import { Appender } from './appender.ts'
import { type Arrangement, allInOneStream } from './arrangement.ts'
import { streamsByType } from './by-type/index.ts'
import { RedisCollections } from './collections.ts'
import { Committer } from './committer.ts'
import { Connection } from './connection.ts'
import { RedisCounters } from './counters.ts'
import { Doorbell } from './doorbell.ts'
import { groupNamesIn } from './group-info.ts'
import { Indexer, indexedParts } from './indexed/index.ts'
import { clusterPrefix, type LogKeys, logKeys } from './keys.ts'
import { mustBeKnownLayout, mustBePartitionedAs } from './layout.ts'
import { RedisLeases } from './leases.ts'
import { type RedisStorageOptions, resolveRedisStorageOptions } from './options.ts'
import { RedisLog } from './redis-log.ts'
import { Safety } from './safety.ts'

/** Throws `log_incompatible` for groups in the order of a key: their cursors would keep trims from every type for ever. */
function mustHaveNone(groups: readonly string[], location: string): void {
  if (groups.length === 0) return
  const message = `The log (${location}) has consumer groups in the order of a key, ${groups.join(', ')}: a log with a stream for each event type cannot keep that order. Remove them with EVENT_PARTITIONING=none first.`
  throw new EventSystemError('log_incompatible', message)
}

/** A storage in Redis: the log in a stream, and what stands beside it in keys of its own. */
export class RedisStorage implements Storage {
  readonly kind = 'redis'
  readonly location: string
  readonly features: StorageFeatures
  readonly log: RedisLog
  readonly leases: Leases
  readonly cursors: Cursors
  readonly collections: Collections
  readonly counters: Counters
  /** Absent where each event type has a stream: these groups need a total order. */
  readonly partitioned?: (group: string) => PartitionedGroup
  readonly #keys: LogKeys
  readonly #connection: Connection
  readonly #committer: Committer
  readonly #doorbell: Doorbell
  readonly #safety: Safety
  readonly #arrangement: Arrangement
  /** Absent without an index. */
  readonly #indexer?: Indexer

  /** Throws `invalid_options`. Connects to nothing before `start()`. */
  constructor(options: RedisStorageOptions = {}) {
    const resolved = resolveRedisStorageOptions(options)
    const { streamName, address } = resolved
    const keys = logKeys(streamName, address.kind === 'cluster' ? clusterPrefix(streamName) : streamName)
    const connection = new Connection(resolved, keys.confirmed)
    this.#keys = keys
    this.#connection = connection
    this.location = connection.location
    const arrangement =
      resolved.partitioning === 'type' ? streamsByType(connection, keys) : allInOneStream(connection, keys)
    const { totalOrder, placing } = arrangement
    const { index } = resolved
    this.features = {
      totalOrder,
      index: index !== undefined,
      foreignWriters: true,
      persistent: true,
      atomic: UNIT_PARTS
    }
    if (totalOrder) this.partitioned = (group) => new LeasedGroup(group, this)
    this.#arrangement = arrangement
    this.#committer = new Committer(connection, keys, placing, resolved)
    this.#doorbell = new Doorbell(connection.newBlockingLine(), arrangement.watched)
    this.#safety = new Safety(connection, resolved.durability)
    const appender = new Appender(connection, keys, placing, resolved)
    const beside = {
      leases: new RedisLeases(connection, keys.leases),
      cursors: arrangement.cursors,
      collections: new RedisCollections(connection, this.#committer, keys)
    }
    this.leases = beside.leases
    this.cursors = beside.cursors
    this.collections = beside.collections
    this.counters = new RedisCounters(connection, keys)
    const parts =
      index === undefined
        ? arrangement.parts
        : indexedParts(arrangement.parts, { connection, keys, storage: this, labelsOf: index.labelsOf })
    this.log = new RedisLog({ beside, connection, keys, doorbell: this.#doorbell, appender, parts })
    if (index !== undefined) {
      this.#indexer = new Indexer({ connection, keys, doorbell: this.#doorbell, storage: this, options: index })
    }
  }

  /** Tries for `connectTimeoutMs` to reach a server that is ready. Rejects with `log_incompatible` when an earlier version keeps this log in another layout. */
  async start(): Promise<void> {
    await this.#connection.open()
    await mustBeKnownLayout(this.#connection, this.#keys)
    await mustBePartitionedAs(this.#arrangement.totalOrder ? 'none' : 'type', this.#connection, this.#keys)
    if (!this.#arrangement.totalOrder) mustHaveNone(await partitionedNames(this), this.location)
    this.#indexer?.start()
  }

  async close({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const deadline = performance.now() + timeoutMs
    this.log.end()
    this.#doorbell.ringAll()
    await this.#indexer?.stop(timeoutMs)
    await this.#connection.close(Math.max(0, deadline - performance.now()))
  }

  async ping(): Promise<void> {
    await this.#connection.read(['PING'])
  }

  warnings(): Promise<StorageWarning[]> {
    return this.#safety.warnings()
  }

  queue(group: string): WorkQueue {
    return this.#arrangement.queue(group, this.#doorbell)
  }

  async groupNames(): Promise<string[]> {
    const own = await groupNamesIn(this.#connection, this.#keys.stream)
    return [...own, ...(await partitionedNames(this))]
  }

  commit(units: readonly Unit[], options: { timeoutMs?: number } = {}): Promise<UnitResult[]> {
    return this.#committer.commit(units, options)
  }
}
