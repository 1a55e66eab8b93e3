import { existsSync } from 'node:fs'
import type { Storage } from '../log/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../log/redis/index.ts'
import { SqliteStorage, type SqliteStorageOptions } from '../log/sqlite/index.ts'

/** A log beside the log, in the same place and as durable, for what was done with that. */
export interface AuditLog {
  /** Whoever takes it starts and closes it. */
  readonly storage: Storage
  /** Whether it can be there already: false when starting it makes it. */
  readonly mayBeThere: boolean
}

/** `<path>.audit.db`. */
export function sqliteAuditLog(options: SqliteStorageOptions & { readonly path: string }): AuditLog {
  const path = `${options.path}.audit.db`
  return { storage: new SqliteStorage({ ...options, path }), mayBeThere: existsSync(path) }
}

/**
 * `<streamName>:audit`, and its own keys behind that and a colon, where the log itself has none. In a cluster it has a hash
 * tag of its own, unless the stream's name has one: then that.
 */
export function redisAuditLog(options: RedisStorageOptions & { readonly streamName: string }): AuditLog {
  return { storage: new RedisStorage({ ...options, streamName: `${options.streamName}:audit` }), mayBeThere: true }
}
