import type { RedisPartitioning } from '../log/redis/index.ts'
import type { EnvironmentReader } from './environment.ts'

export interface IndexingOptions {
  /**
   * `on`: in Redis an index is kept, by which events are found by symbol, type and the time at which they happened. It takes memory of Redis.
   * An embedded log has one in any case. Environment: EVENT_INDEX. Default `off`.
   */
  readonly index?: 'off' | 'on'
}

/** Refuses an index where each event type has a stream. */
export function readIndexing(
  { index }: IndexingOptions,
  read: EnvironmentReader,
  partitioning: RedisPartitioning
): 'off' | 'on' {
  const asked = read.choice('index', index, 'EVENT_INDEX', ['off', 'on'])
  if (asked === 'on' && partitioning === 'type') {
    read.wrong(
      'EVENT_INDEX=on is for a log in one stream, and EVENT_PARTITIONING is type: a read by event type is narrow there already, and one by symbol or event time needs one stream. Leave one of the two out.'
    )
  }
  return asked
}
