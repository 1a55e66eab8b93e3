import { EventSystemError } from '@tradpal/events'
import type { Connection } from './connection.ts'
import type { LogKeys } from './keys.ts'

/** Rejects with `log_incompatible` when an earlier version keeps the log in a layout that this one cannot read. */
export async function mustBeKnownLayout(connection: Connection, keys: LogKeys): Promise<void> {
  await Promise.all([
    mustHaveNoOtherWindow(connection, keys),
    mustBeOneStream(connection, keys),
    mustHaveIndexes(connection, keys)
  ])
}

/** An earlier version keeps its window under other keys. Each version would append again the events that the other has appended. */
async function mustHaveNoOtherWindow(connection: Connection, { prefix }: LogKeys): Promise<void> {
  const earlier = ['recent:0', 'recent:1', 'dedup:0', 'dedup:1'].map((name) => `${prefix}:${name}`)
  const found = await connection.read<number>(['EXISTS', ...earlier])
  if (found === 0) return
  const message = `An earlier version of the event system has appended to the log (${connection.location}) and keeps its deduplication window in ${earlier.join(', ')}: stop it, and start again when these keys have expired, two windows after its last append.`
  throw new EventSystemError('log_incompatible', message)
}

/** An earlier version could give each event type a stream of its own. This one would not see the events in them. */
async function mustBeOneStream(connection: Connection, { prefix }: LogKeys): Promise<void> {
  const partitions = `${prefix}:partitions`
  if ((await connection.read<number>(['EXISTS', partitions])) === 0) return
  const message = `The log (${connection.location}) has a stream for each event type (${partitions}), which an earlier version of the event system wrote with EVENT_PARTITIONING=type: export the log with that version, and import it into a new stream with this one.`
  throw new EventSystemError('log_incompatible', message)
}

/** An earlier version counted the events of stream keys and kept no index of them. This one would not find them by their key. */
async function mustHaveIndexes(connection: Connection, { prefix }: LogKeys): Promise<void> {
  const versions = `${prefix}:versions`
  if ((await connection.read<number>(['EXISTS', versions])) === 0) return
  const message = `The log (${connection.location}) has stream keys that an earlier version of the event system counted (${versions}), and no index of their events: export the log with that version, and import it into a new stream with this one.`
  throw new EventSystemError('log_incompatible', message)
}
