import type { Cursors, WorkQueue } from '../port.ts'
import type { Connection } from './connection.ts'
import { cursorInfos, RedisCursors } from './cursors.ts'
import { type Doorbell, oneStream, type Watched } from './doorbell.ts'
import { EntryReader } from './entry-reader.ts'
import { groupInfos } from './group-info.ts'
import type { LogKeys } from './keys.ts'
import { Measures } from './measures.ts'
import { compareMessageIds } from './message-id.ts'
import { inOneStream, type Placing } from './placing.ts'
import { RedisGroup } from './redis-group.ts'
import type { StreamParts } from './redis-log.ts'
import { Streams } from './streams.ts'
import { Trimmer } from './trimmer.ts'

/** How a log keeps entries: all in one stream, or those of each event type in one of their own. */
export interface Arrangement {
  readonly totalOrder: boolean
  readonly watched: Watched
  readonly placing: Placing
  readonly parts: StreamParts
  readonly cursors: Cursors
  queue(group: string, doorbell: Doorbell): WorkQueue
}

/** All entries in one stream. */
export function allInOneStream(connection: Connection, keys: LogKeys): Arrangement {
  const placing = inOneStream(keys)
  const reader = new EntryReader(connection, keys.stream)
  const measures = new Measures(connection, keys)
  const streams = new Streams(connection, keys, placing, reader)
  return {
    totalOrder: true,
    watched: oneStream(connection, keys.stream),
    placing,
    parts: {
      reader,
      streams,
      measures,
      trimmer: new Trimmer({
        connection,
        keys,
        placing,
        partitions: async () => [{ number: 0, keys }],
        measures,
        streams
      }),
      order: { compare: compareMessageIds, advance: (_, messageId) => messageId },
      groups: () => groupInfos(connection, keys),
      cursors: () => cursorInfos(connection, keys)
    },
    cursors: new RedisCursors(connection, keys),
    queue: (group, doorbell) => new RedisGroup(group, { connection, doorbell, keys })
  }
}
