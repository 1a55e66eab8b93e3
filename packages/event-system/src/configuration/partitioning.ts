import type { EnvironmentReader } from './environment.ts'

/** Where the events of a log in Redis stand. */
export interface PartitioningOptions {
  /**
   * In Redis: `type` gives each event type a stream of its own, for whoever wants only some types; everybody sees one log
   * all the same. A log that has events already keeps them where they are. Environment: EVENT_PARTITIONING. Default `none`.
   */
  readonly partitioning?: 'none' | 'type'
}

/** Whoever names another log than the environment's (`isElsewhere`) has not asked for what the environment says of that one. */
export function readPartitioning(
  options: PartitioningOptions,
  read: EnvironmentReader,
  redisUrl: string | undefined,
  isElsewhere: boolean
): 'none' | 'type' {
  const given = isElsewhere ? (options.partitioning ?? 'none') : options.partitioning
  const partitioning = read.choice('partitioning', given, 'EVENT_PARTITIONING', ['none', 'type'])
  if (partitioning === 'type' && redisUrl === undefined) {
    const name = options.partitioning === undefined ? 'EVENT_PARTITIONING' : 'partitioning'
    read.wrong(`${name} is for a log in Redis: the embedded log finds the events of a type by an index of its own.`)
  }
  return partitioning
}
