import { EventSystemError } from '@tradpal/events'
import type { ConsumerInfo, GroupInfo } from '../port.ts'
import type { Connection } from './connection.ts'
import { ageOf, lagBehind } from './lag.ts'
import { formatMessageId } from './message-id.ts'

const LAST_ID = 'SELECT last_id FROM groups WHERE name = ?'
const CONSUMERS = `
  SELECT name, seen_at, (SELECT count(*) FROM pending WHERE pending.grp = consumers.grp AND consumer = name) AS pending
  FROM consumers WHERE grp = ? ORDER BY name`
const PENDING =
  'SELECT count(*) AS entries, count(attachment) AS retrying, min(id) AS oldest FROM pending WHERE grp = ?'

/** The id up to which a group has handed out. To be called inside a step of the connection. Throws `not_found`. */
export function lastIdOf(connection: Connection, group: string): number {
  const row = connection.statement(LAST_ID).get(group)
  if (row !== undefined) return Number(row.last_id)
  throw new EventSystemError('not_found', `There is no consumer group ${group}; its first consumer makes it.`)
}

/** How a group stands. To be called inside a step of the connection. Throws `not_found`. */
export function describeGroup(connection: Connection, group: string): GroupInfo {
  const lastId = lastIdOf(connection, group)
  const { entries, retrying, oldest } = connection.statement(PENDING).get(group) ?? {}
  return {
    name: group,
    partitions: null,
    consumers: consumersOf(connection, group),
    pending: Number(entries),
    retrying: Number(retrying),
    oldestPendingMs: typeof oldest === 'number' ? ageOf(connection, oldest) : null,
    lastDelivered: formatMessageId(lastId),
    // A group that was moved back may have pending entries behind the last delivered one.
    acknowledgedTo: formatMessageId(typeof oldest === 'number' ? Math.min(oldest - 1, lastId) : lastId),
    ...lagBehind(connection, lastId)
  }
}

function consumersOf(connection: Connection, group: string): ConsumerInfo[] {
  const now = Math.floor(connection.options.clock.now())
  return connection
    .statement(CONSUMERS)
    .all(group)
    .map(({ name, pending, seen_at }) => ({
      name: String(name),
      pending: Number(pending),
      idleMs: Math.max(0, now - Number(seen_at)),
      partitions: []
    }))
}
