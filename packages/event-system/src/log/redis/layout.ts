import { EventSystemError } from '@tradpal/events'
import type { Connection } from './connection.ts'
import type { EntryReply } from './entries.ts'
import type { LogKeys } from './keys.ts'
import type { Partitions } from './partitions.ts'

/** In a stream of a type, an earlier version could write where the payload is instead of the payload. */
const PLACE_FIELD = 'at'

/** Rejects with `log_incompatible` when an earlier version keeps the log in a layout that this one cannot read. */
export async function mustBeKnownLayout(connection: Connection, keys: LogKeys, partitions: Partitions): Promise<void> {
  await Promise.all([mustHaveNoOtherWindow(connection, keys), mustHavePayloads(connection, partitions)])
}

/** An earlier version keeps its window under other keys. Each version would append again the events that the other has appended. */
async function mustHaveNoOtherWindow(connection: Connection, { prefix }: LogKeys): Promise<void> {
  const earlier = ['recent:0', 'recent:1', 'dedup:0', 'dedup:1'].map((name) => `${prefix}:${name}`)
  const found = await connection.read<number>(['EXISTS', ...earlier])
  if (found === 0) return
  const message = `An earlier version of the event system has appended to the log (${connection.location}) and keeps its deduplication window in ${earlier.join(', ')}: stop it, and start again when these keys have expired, two windows after its last append.`
  throw new EventSystemError('log_incompatible', message)
}

async function mustHavePayloads(connection: Connection, { streams }: Partitions): Promise<void> {
  const [, ...ofTypes] = streams
  const ends = ofTypes.flatMap((stream) => [
    ['XRANGE', stream, '-', '+', 'COUNT', '1'],
    ['XREVRANGE', stream, '+', '-', 'COUNT', '1']
  ])
  const outermost = await Promise.all(ends.map((command) => connection.read<EntryReply[]>(command)))
  const elsewhere = outermost.flat().find(([, fields]) => fields.includes(PLACE_FIELD))
  if (elsewhere === undefined) return
  const message = `The payload of the entry ${elsewhere[0]} is on another node of the Redis Cluster (${connection.location}), where an earlier version of the event system put it (EVENT_PARTITION_PLACEMENT=spread): export the log with that version, and import it here.`
  throw new EventSystemError('log_incompatible', message)
}
