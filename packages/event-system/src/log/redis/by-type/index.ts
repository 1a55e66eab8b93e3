import type { Arrangement } from '../arrangement.ts'
import type { Connection } from '../connection.ts'
import type { LogKeys } from '../keys.ts'
import { Streams } from '../streams.ts'
import { Trimmer } from '../trimmer.ts'
import { CursorsByType } from './cursors.ts'
import { GroupByType } from './group-by-type.ts'
import { groupInfosIn } from './group-info.ts'
import { advanced, compareCheckpoints } from './ids.ts'
import { MeasuresByType } from './measures.ts'
import { MergedReader } from './merged-reader.ts'
import { Partitions } from './partitions.ts'
import { PlacingByType } from './placing.ts'
import { WatchedTypes } from './watched.ts'

/** The entries of each event type in a stream of their own: in order within a type. */
export function streamsByType(connection: Connection, keys: LogKeys): Arrangement {
  const partitions = new Partitions(connection, keys)
  const placing = new PlacingByType(keys, partitions)
  const reader = new MergedReader(connection, keys, partitions)
  const measures = new MeasuresByType(connection, keys, partitions)
  const streams = new Streams(connection, keys, placing, reader)
  const cursors = new CursorsByType(connection, keys, partitions, reader)
  return {
    totalOrder: false,
    watched: new WatchedTypes(connection, keys, partitions),
    placing,
    parts: {
      reader,
      streams,
      measures,
      trimmer: new Trimmer({ connection, keys, placing, partitions: () => partitions.refresh(), measures, streams }),
      order: { compare: compareCheckpoints, advance: advanced },
      groups: async () => groupInfosIn(connection, await partitions.refresh()),
      cursors: () => cursors.infos()
    },
    cursors,
    queue: (group, doorbell) => new GroupByType(group, { connection, doorbell, partitions })
  }
}
