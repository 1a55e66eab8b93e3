import { MOST_PARTITION_SHARDS } from '../log/redis/index.ts'
import type { EnvironmentReader } from './environment.ts'

/** Where the events of a log in Redis stand. */
export interface PartitioningOptions {
  /**
   * In Redis: `type` gives each event type a stream of its own, for whoever wants only some types; everybody sees one log
   * all the same. A log that has events already keeps them where they are. Environment: EVENT_PARTITIONING. Default `none`.
   */
  readonly partitioning?: 'none' | 'type'
  /**
   * In a Redis Cluster, with `partitioning: 'type'`: `spread` keeps the events on many nodes, `together` all of the log on
   * one. Environment: EVENT_PARTITION_PLACEMENT. Default `together`.
   */
  readonly partitionPlacement?: 'together' | 'spread'
  /** With `spread`: into how many streams the events of a type are spread, 1 to 64. Environment: EVENT_PARTITION_SHARDS. Default 1. */
  readonly partitionShards?: number
}

export interface Partitioning {
  readonly partitioning: 'none' | 'type'
  readonly placement: 'together' | 'spread'
  readonly shards: number
}

/** Whoever names another log than the environment's (`isElsewhere`) has not asked for what the environment says of that one. */
export function readPartitioning(
  options: PartitioningOptions,
  read: EnvironmentReader,
  redisUrl: string | undefined,
  isElsewhere: boolean
): Partitioning {
  const unasked = { partitioning: 'none', partitionPlacement: 'together', partitionShards: 1 } as const
  const given: PartitioningOptions = isElsewhere ? { ...unasked, ...options } : options
  const partitioning = read.choice('partitioning', given.partitioning, 'EVENT_PARTITIONING', ['none', 'type'])
  const placement = read.choice('partitionPlacement', given.partitionPlacement, 'EVENT_PARTITION_PLACEMENT', [
    'together',
    'spread'
  ])
  const shards = read.wholeNumber(
    'partitionShards',
    given.partitionShards,
    'EVENT_PARTITION_SHARDS',
    1,
    1,
    MOST_PARTITION_SHARDS
  )
  const named = (option: keyof PartitioningOptions, variable: string) =>
    options[option] === undefined ? variable : option
  if (partitioning === 'type' && redisUrl === undefined) {
    const name = named('partitioning', 'EVENT_PARTITIONING')
    read.wrong(`${name} is for a log in Redis: the embedded log finds the events of a type by an index of its own.`)
  }
  const isOfCluster = redisUrl !== undefined && /^rediss?\+cluster:/.test(redisUrl)
  if (placement === 'spread' && !(isOfCluster && partitioning === 'type')) {
    const name = named('partitionPlacement', 'EVENT_PARTITION_PLACEMENT')
    read.wrong(`${name} spread is for a log in a Redis Cluster (redis+cluster://) that is partitioned by type.`)
  }
  if (shards > 1 && placement !== 'spread') {
    read.wrong(`${named('partitionShards', 'EVENT_PARTITION_SHARDS')} is for a log whose placement is spread.`)
  }
  return { partitioning, placement, shards }
}
