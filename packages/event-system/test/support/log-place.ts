import type { EventSystemOptions } from '../../src/index.ts'
import type { Storage } from '../../src/log/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

/** Where a log is: all that a child process needs to open the same one. */
export type LogPlace =
  | { readonly path: string }
  | Required<Pick<RedisStorageOptions, 'url' | 'streamName' | 'partitioning'>>

/** A handle, not started. */
export function newLog(place: LogPlace): Storage {
  return 'path' in place ? new SqliteStorage(place) : new RedisStorage(place)
}

/** What an event system is told to open the same log. */
export function systemOptionsFor(place: LogPlace): EventSystemOptions {
  if ('path' in place) return { logPath: place.path }
  const { url, streamName, partitioning } = place
  return { redisUrl: url, streamName, partitioning }
}
