import type { EventLog } from '../../src/log/index.ts'
import { RedisLog, type RedisLogOptions } from '../../src/log/redis/index.ts'
import { SqliteLog } from '../../src/log/sqlite/index.ts'

/** Where a log is: all that a child process needs to open the same one. */
export type LogPlace = { readonly path: string } | Required<Pick<RedisLogOptions, 'url' | 'streamName'>>

/** A handle, not started. */
export function newLog(place: LogPlace): EventLog {
  return 'path' in place ? new SqliteLog(place) : new RedisLog(place)
}
