import type { MessageId } from '../../port.ts'
import type { Connection } from '../connection.ts'
import { runScript } from '../scripts.ts'
import type { Partition } from './partitions.ts'

/** How far a partition has come. */
export interface PartitionEnds {
  readonly length: number
  /** The last id that an entry was given, whether or not it is there; `0-0` for none. */
  readonly lastGiven: MessageId
  /** The ids of the oldest entry and of the newest one that are there. */
  readonly first: MessageId | undefined
  readonly last: MessageId | undefined
  /** Whether an entry of it was ever trimmed or removed. */
  readonly hasLost: boolean
}

type EndsReply = [length: number, lastGiven: MessageId, first: MessageId | '', last: MessageId | '', added: number]

/** In the order of the partitions. */
export async function endsOf(connection: Connection, partitions: readonly Partition[]): Promise<PartitionEnds[]> {
  if (partitions.length === 0) return []
  const streams = partitions.map(({ keys }) => keys.stream)
  const replies = await runScript<EndsReply[]>(connection, 'ends', streams, [])
  return replies.map(([length, lastGiven, first, last, added]) => ({
    length,
    lastGiven,
    first: first === '' ? undefined : first,
    last: last === '' ? undefined : last,
    hasLost: added !== length
  }))
}
