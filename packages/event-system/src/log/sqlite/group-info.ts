import { EventSystemError } from '@tradpal/events'
import type { ConsumerInfo, GroupInfo } from '../port.ts'
import type { ShardingState } from '../sharding/index.ts'
import type { Connection } from './connection.ts'
import { ageOf, lagBehind } from './lag.ts'
import { formatMessageId } from './message-id.ts'
import { loadSharding } from './sharding-state.ts'

const LAST_ID = 'SELECT last_id FROM groups WHERE name = ?'
const CONSUMERS = `
  SELECT name, seen_at, (SELECT count(*) FROM pending WHERE pending.grp = consumers.grp AND consumer = name) AS pending
  FROM consumers WHERE grp = ? ORDER BY name`
const PENDING =
  'SELECT count(*) AS entries, count(note) AS notes, min(id) AS oldest, count(shard) AS sharded FROM pending WHERE grp = ?'
const PENDING_OF_SHARDS =
  'SELECT shard, count(*) AS entries FROM pending WHERE grp = ? AND shard IS NOT NULL GROUP BY shard'
/** The id up to which a group has handed out. To be called inside a step of the connection. Throws `not_found`. */
export function lastIdOf(connection: Connection, group: string): number {
  const row = connection.statement(LAST_ID).get(group)
  if (row !== undefined) return Number(row.last_id)
  throw new EventSystemError('not_found', `There is no consumer group ${group}; its first consumer makes it.`)
}

/** How a group stands. To be called inside a step of the connection. Throws `not_found`. */
export function describeGroup(connection: Connection, group: string): GroupInfo {
  const lastId = lastIdOf(connection, group)
  const now = Math.floor(connection.options.clock.now())
  const { entries, notes, oldest, sharded } = connection.statement(PENDING).get(group) ?? {}
  const state = loadSharding(connection, group)
  const alive = Object.values(state?.members ?? {}).some((endsAt) => endsAt > now)
  const isSharded = state !== null && (alive || Number(sharded) > 0)
  return {
    name: group,
    kind: 'queue',
    shards: isSharded ? state.shards : null,
    consumers: consumersOf(connection, group, isSharded ? state : null, now),
    pending: Number(entries),
    retrying: Number(notes),
    oldestPendingMs: typeof oldest === 'number' ? ageOf(connection, oldest) : null,
    lastDeliveredId: formatMessageId(lastId),
    ...lagBehind(connection, lastId)
  }
}

function consumersOf(connection: Connection, group: string, state: ShardingState | null, now: number): ConsumerInfo[] {
  const pendingOfShard = new Map<number, number>()
  if (state !== null) {
    for (const { shard, entries } of connection.statement(PENDING_OF_SHARDS).all(group)) {
      pendingOfShard.set(Number(shard), Number(entries))
    }
  }
  return connection
    .statement(CONSUMERS)
    .all(group)
    .map(({ name, pending, seen_at }) => {
      const shards = (state?.tenures ?? []).flatMap(({ member }, shard) => (member === name ? [shard] : []))
      const ofShards = shards.reduce((sum, shard) => sum + (pendingOfShard.get(shard) ?? 0), 0)
      return {
        name: String(name),
        pending: Number(pending) + ofShards,
        idleMs: Math.max(0, now - Number(seen_at)),
        shards
      }
    })
}
