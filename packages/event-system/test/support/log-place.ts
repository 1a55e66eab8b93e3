import { labelsOf, plainCodec } from '../../src/codec/index.ts'
import type { EventSystemOptions } from '../../src/index.ts'
import type { Entry, Storage } from '../../src/log/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { SqliteStorage } from '../../src/log/sqlite/index.ts'

/** Where a log is: all that a child process needs to open the same one. */
export type LogPlace =
  | { readonly path: string }
  | (Required<Pick<RedisStorageOptions, 'url' | 'streamName' | 'partitioning'>> & { readonly index: 'off' | 'on' })

/** A handle, not started. */
export function newLog(place: LogPlace): Storage {
  if ('path' in place) return new SqliteStorage(place)
  const { index, ...options } = place
  const labels = (entries: readonly Entry[]) => labelsOf(entries, plainCodec)
  return new RedisStorage({ ...options, ...(index === 'on' && { index: { labelsOf: labels } }) })
}

/** What an event system is told to open the same log. */
export function systemOptionsFor(place: LogPlace): EventSystemOptions {
  if ('path' in place) return { logPath: place.path }
  const { url, streamName, partitioning, index } = place
  return { redisUrl: url, streamName, partitioning, index }
}
