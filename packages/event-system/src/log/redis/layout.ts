import { EventSystemError } from '@tradpal/events'
import type { Connection } from './connection.ts'
import type { EntryReply } from './entries.ts'
import type { Partitions } from './partitions.ts'

/** In a stream of a type, version 0.1.0 could write where the payload is instead of the payload. */
const PLACE_FIELD = 'at'

/** Rejects with `log_incompatible` when an earlier version keeps the log in a layout that this one cannot read. */
export async function mustBeKnownLayout(connection: Connection, { streams }: Partitions): Promise<void> {
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
