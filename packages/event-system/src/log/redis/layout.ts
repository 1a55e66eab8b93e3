import { EventSystemError } from '@tradpal/events'
import type { Connection } from './connection.ts'
import { groupNamesIn } from './group-info.ts'
import type { LogKeys } from './keys.ts'
import type { RedisPartitioning } from './options.ts'

/** What earlier versions keep under the prefix of a log. */
const EARLIER = [
  ...['recent:0', 'recent:1', 'dedup:0', 'dedup:1', 'partitions', 'versions', 'dead_letters', 'dead_letters:actions'],
  ...[
    'api-keys',
    'api-key-uses',
    'subject-keys',
    'shredded-subjects',
    'pulled-groups',
    'delivery-keys',
    'retired-encryption-keys'
  ].map((collection) => `records:${collection}`)
]

/** What earlier versions keep of a group. */
const EARLIER_OF_GROUP = ['notes', 'amended', 'place', 'ledger:0', 'ledger:1']

/**
 * Rejects with `log_incompatible` when an earlier version keeps parts of the log in a layout that this one cannot read: it
 * would not see its dead letters, would do its steps once more, and would append its events again.
 */
export async function mustBeKnownLayout(connection: Connection, { stream, prefix }: LogKeys): Promise<void> {
  const ofGroups = (await groupNamesIn(connection, stream)).flatMap((group) =>
    EARLIER_OF_GROUP.map((name) => `group:${group}:${name}`)
  )
  const names = [...EARLIER, ...ofGroups].map((name) => `${prefix}:${name}`)
  const found = await Promise.all(names.map((name) => connection.read<number>(['EXISTS', name])))
  const earlier = names.filter((_, i) => found[i] === 1)
  if (earlier.length === 0) return
  const message = `An earlier version of the event system keeps parts of the log (${connection.location}) in ${earlier.join(', ')}: export the log with that version, and import it into a new stream with this one.`
  throw new EventSystemError('log_incompatible', message)
}

/**
 * Rejects with `log_incompatible` when a log has streams of event types and the option `partitioning` says `none`: their events would not be seen.
 * A log in one stream may get streams of event types: what is in the one stream stays there.
 */
export async function mustBePartitionedAs(
  partitioning: RedisPartitioning,
  connection: Connection,
  { types }: LogKeys
): Promise<void> {
  if (partitioning === 'type' || (await connection.read<number>(['EXISTS', types])) === 0) return
  const message = `The log (${connection.location}) has a stream for each event type, listed in ${types}: set EVENT_PARTITIONING=type (partitioning: 'type' in the library), or export the log with it and import it into a new stream without it.`
  throw new EventSystemError('log_incompatible', message)
}
