/** The names of all keys of a log: the stream, and what stands beside it under the stream's name and a colon. */
export interface LogKeys {
  readonly stream: string
  /** The two hashes of deduplication. */
  readonly deduplication: readonly [string, string]
  readonly deadLetters: string
  readonly actions: string
  /** The names of the partitions, a line each; without it the log has none. */
  readonly partitions: string
  /** A stream of one entry, whose id is the last that was given in a partition. */
  readonly bell: string
}

/** What a group keeps beside what Redis itself keeps of it. */
export interface GroupKeys {
  /** Message id -> note of a pending entry. */
  readonly notes: string
  /** Message id -> the payload that the group is given instead of the entry's. */
  readonly amended: string
  /** Message ids by when they may be claimed. */
  readonly delayed: string
  /** The message id behind which a group that was lost is restored. */
  readonly place: string
  /** Who has which shard: the state as JSON, and each shard's tenure in a field of its own. */
  readonly sharding: string
  /** A short stream that tells members what was routed to shards. */
  readonly routed: string
  /** The two hashes of the ledger. */
  readonly ledger: readonly [string, string]
}

export function logKeys(stream: string): LogKeys {
  return {
    stream,
    deduplication: [`${stream}:dedup:0`, `${stream}:dedup:1`],
    deadLetters: `${stream}:dead_letters`,
    actions: `${stream}:dead_letters:actions`,
    partitions: `${stream}:partitions`,
    bell: `${stream}:bell`
  }
}

/** The stream of a partition, by its name. */
export function partitionKey(stream: string, partition: string): string {
  return `${stream}:type:${partition}`
}

export function groupKeys(stream: string, group: string): GroupKeys {
  const prefix = `${stream}:group:${group}`
  return {
    notes: `${prefix}:notes`,
    amended: `${prefix}:amended`,
    delayed: `${prefix}:delayed`,
    place: `${prefix}:place`,
    sharding: `${prefix}:sharding`,
    routed: `${prefix}:routed`,
    ledger: [`${prefix}:ledger:0`, `${prefix}:ledger:1`]
  }
}
