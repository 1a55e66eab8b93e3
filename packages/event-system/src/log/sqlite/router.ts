import { EventSystemError } from '@tradpal/events'
import type { Entry, ShardingOptions } from '../port.ts'
import type { Connection } from './connection.ts'
import { lastIdOf } from './group-info.ts'
import { toEntry } from './reader.ts'

const HAS_STRAYS = 'SELECT strays FROM groups WHERE name = ?'
const NO_STRAYS = 'UPDATE groups SET strays = 0 WHERE name = ?'
const STRAYS = `
  SELECT pending.id AS id, coalesce(pending.payload, entries.payload) AS payload, consumer, delivered_at
  FROM pending LEFT JOIN entries ON entries.id = pending.id WHERE grp = ? AND shard IS NULL ORDER BY pending.id`
const ADOPT = `
  UPDATE pending SET consumer = ?3, shard = ?4, handed = 0 WHERE grp = ?1 AND id = ?2`
const DROP = 'DELETE FROM pending WHERE grp = ? AND id = ?'
const NEW = 'SELECT id, payload FROM entries WHERE id > ? ORDER BY id LIMIT ?'
/** After a seek back, an entry may be pending already: then it is handed out once more. */
const ROUTE = `
  INSERT INTO pending (grp, id, consumer, shard, delivered_at, deliveries) VALUES (?1, ?2, ?3, ?4, ?5, 0)
  ON CONFLICT (grp, id) DO UPDATE SET consumer = excluded.consumer, shard = excluded.shard, handed = 0`
const MOVE = 'UPDATE groups SET last_id = ?2 WHERE name = ?1'

/** Entries that one step routes at most. */
const PAGE = 500

export interface Routed {
  /** The shards that got some. */
  readonly shards: readonly number[]
  /** There may be more to route. */
  readonly hasMore: boolean
}

/** Gives entries to the shards that they belong to. To be called inside a step of the connection. */
export function routeEntries(connection: Connection, group: string, now: number, options: ShardingOptions): Routed {
  const shards = new Set<number>()
  if (!routeStrays(connection, group, now, options, shards)) return { shards: [...shards], hasMore: false }
  const entries = connection.statement(NEW).all(lastIdOf(connection, group), PAGE)
  for (const { id, payload } of entries) {
    const shard = shardOf(options, toEntry({ id, payload }))
    connection.statement(ROUTE).run(group, Number(id), shardName(shard), shard, now)
    shards.add(shard)
  }
  const last = entries.at(-1)
  if (last !== undefined) connection.statement(MOVE).run(group, Number(last.id))
  return { shards: [...shards], hasMore: entries.length === PAGE }
}

/**
 * Entries that are pending and belong to no shard: requeued ones, and those of members that shared entry by entry. What a
 * member that lives may hold still is waited for, and whatever is new with it. Returns whether none is left.
 */
function routeStrays(
  connection: Connection,
  group: string,
  now: number,
  options: ShardingOptions,
  shards: Set<number>
): boolean {
  if (connection.statement(HAS_STRAYS).get(group)?.strays !== 1) return true
  let isLeft = false
  for (const { id, payload, consumer, delivered_at } of connection.statement(STRAYS).all(group)) {
    const freeAt = Number(delivered_at) + (consumer === '' ? 0 : options.leaseMs)
    if (payload === null) {
      connection.statement(DROP).run(group, Number(id))
    } else if (freeAt <= now) {
      const shard = shardOf(options, toEntry({ id, payload }))
      connection.statement(ADOPT).run(group, Number(id), shardName(shard), shard)
      shards.add(shard)
    } else {
      isLeft = true
    }
  }
  if (!isLeft) connection.statement(NO_STRAYS).run(group)
  return !isLeft
}

/** Throws `invalid_argument` for a shard that there is not: then nothing of the step is done. */
function shardOf(options: ShardingOptions, entry: Entry): number {
  const shard = options.shardOf(entry)
  if (Number.isSafeInteger(shard) && shard >= 0 && shard < options.shards) return shard
  throw new EventSystemError(
    'invalid_argument',
    `shardOf answered ${shard} for the entry ${entry.messageId}: it is a whole number from 0 to ${options.shards - 1}.`
  )
}

function shardName(shard: number): string {
  return `shard-${shard}`
}
