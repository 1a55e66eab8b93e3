import { EventSystemError } from '@tradpal/events'

/** The names of all keys of a log: the stream, and what stands beside it under the prefix and a colon. */
export interface LogKeys {
  readonly stream: string
  readonly prefix: string
  /** The two hashes of deduplication. */
  readonly deduplication: readonly [string, string]
  /** Stream key -> how many entries were appended with it. */
  readonly versions: string
  /** The stream keys that have an index ({@link streamIndexKey}), by the time of the oldest entry in it. */
  readonly streams: string
  /** Name of a lease -> its token, when it ends, and who has it. */
  readonly leases: string
  /** Name of a cursor -> its position, when it moved, and whether it guards. */
  readonly cursors: string
  /** The event types that have a stream of their own, in the order of their numbers: see scripts/include/stream-by-type.lua. */
  readonly types: string
  /** The last id that an entry of a type with a stream of its own was given. */
  readonly lastId: string
  /** Written before each confirmation of what is durable: see {@link DurableLine}. */
  readonly confirmed: string
}

/** What a group keeps beside what Redis itself keeps of it. */
export interface GroupKeys {
  /** Message id -> the text that units attached to a pending entry. */
  readonly attachments: string
  /** Message ids by when they may be claimed. */
  readonly delayed: string
}

/** `prefix`: of all keys but the stream, see {@link clusterPrefix}. */
export function logKeys(stream: string, prefix = stream): LogKeys {
  return {
    stream,
    prefix,
    deduplication: [`${prefix}:ids:0`, `${prefix}:ids:1`],
    versions: `${prefix}:stream_versions`,
    streams: `${prefix}:streams`,
    leases: `${prefix}:leases`,
    cursors: `${prefix}:cursors`,
    types: `${prefix}:types`,
    lastId: `${prefix}:last_id`,
    confirmed: `${prefix}:confirmed`
  }
}

/** The keys of partition `number`, the stream of an event type: what groups keep of it stands apart from what they keep of others. */
export function partitionKeys(keys: LogKeys, number: number, type: string): LogKeys {
  const { prefix } = keys
  return { ...keys, stream: typeStreamKey(keys, type), prefix: `${prefix}:partition:${number}` }
}

export function typeStreamKey({ prefix }: LogKeys, type: string): string {
  return `${prefix}:type:${type}`
}

/**
 * The prefix with which the keys of a log stand in the slot of its stream, all on one node of a cluster: with the stream's
 * name as their hash tag (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags), unless it
 * has one of its own. Throws `invalid_options` for a name whose braces are none.
 */
export function clusterPrefix(stream: string): string {
  if (/^[^{]*\{[^}]+\}/.test(stream)) return stream
  if (!/[{}]/.test(stream)) return `${stream}:{${stream}}`
  const message = `In a Redis Cluster streamName must have no braces, or a hash tag such as {${stream.replaceAll(/[{}]/g, '')}}.`
  throw new EventSystemError('invalid_options', message)
}

/** A list: of each entry with the stream key its version, a space and its message id. */
export function streamIndexKey({ prefix }: LogKeys, streamKey: string): string {
  return `${prefix}:stream:${streamKey}`
}

/** The two keys of a collection. */
export type CollectionKeys = [string, string]

/** Of a lasting collection the hash of its documents, and the sorted set of their ids. The kind stands before the name: a name may be any text. */
export function collectionKeys({ prefix }: LogKeys, collection: string): CollectionKeys {
  return [`${prefix}:documents:${collection}`, `${prefix}:document-ids:${collection}`]
}

/** The two hashes of an expiring collection, which take turns. */
export function expiringKeys({ prefix }: LogKeys, collection: string): CollectionKeys {
  return [`${prefix}:expiring:0:${collection}`, `${prefix}:expiring:1:${collection}`]
}

/** A count, which expires. */
export function counterKey({ prefix }: LogKeys, key: string): string {
  return `${prefix}:counter:${key}`
}

/** A hash: of each label that the segment of an index has, by its number, the postings. */
export function segmentKey({ prefix }: LogKeys, number: number): string {
  return `${prefix}:index:segment:${number}`
}

/** A sorted set: of the late entries of a label, their places in the order of event times. */
export function lateKey({ prefix }: LogKeys, label: number): string {
  return `${prefix}:index:late:${label}`
}

export function groupKeys({ prefix }: LogKeys, group: string): GroupKeys {
  const ofGroup = `${prefix}:group:${group}`
  return {
    attachments: `${ofGroup}:attachments`,
    delayed: `${ofGroup}:delayed`
  }
}
