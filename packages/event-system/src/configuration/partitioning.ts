import type { RedisPartitioning } from '../log/redis/index.ts'
import type { EnvironmentReader } from './environment.ts'

export interface PartitioningOptions {
  /**
   * `type`: in Redis each event type has a stream of its own, and order is kept within a type only. `none`: all events are in one stream, in one order.
   * All processes of one log must say the same. Environment: EVENT_PARTITIONING. Default `none`.
   */
  readonly partitioning?: RedisPartitioning
}

/** Refuses `type` for a log that is not in Redis. The environment says nothing of another log than its own (`isElsewhere`). */
export function readPartitioning(
  { partitioning }: PartitioningOptions,
  read: EnvironmentReader,
  { isRedis, isElsewhere }: { readonly isRedis: boolean; readonly isElsewhere: boolean }
): RedisPartitioning {
  const asked = read.choice('partitioning', partitioning, 'EVENT_PARTITIONING', ['none', 'type'])
  const isAsked = asked === 'type' && (partitioning === 'type' || !isElsewhere)
  if (isAsked && !isRedis) {
    const name = partitioning === undefined ? 'EVENT_PARTITIONING=type' : "partitioning: 'type'"
    read.wrong(
      `${name} is for a log in Redis: a log in a file has an index by event type, and keeps one order. Leave it out, or say none.`
    )
  }
  return isAsked ? 'type' : 'none'
}
