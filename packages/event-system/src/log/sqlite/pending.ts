import type { PendingEntry, PendingRange } from '../port.ts'
import { assertLimit } from './arguments.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, parseMessageId, timeOf } from './message-id.ts'

const PENDING = `
  SELECT id, consumer, delivered_at, deliveries, attachment FROM pending
  WHERE grp = ?1 AND (?2 IS NULL OR consumer = ?2)`
const PAGE = `${PENDING} AND id > ?3 ORDER BY id LIMIT ?4`
const OF_IDS = `${PENDING} AND id IN (SELECT value FROM json_each(?3)) ORDER BY id`

/** What a group has handed out and nobody has settled. To be called inside a step of the connection. */
export function pendingEntries(connection: Connection, group: string, range: PendingRange): PendingEntry[] {
  const now = Math.floor(connection.options.clock.now())
  return pendingRows(connection, group, range).map(({ id, consumer, delivered_at, deliveries, attachment }) => ({
    messageId: formatMessageId(Number(id)),
    appendedAt: timeOf(Number(id)),
    consumer: String(consumer),
    idleMs: Math.max(0, now - Number(delivered_at)),
    deliveries: Number(deliveries),
    ...(attachment !== null && { attachment: String(attachment) })
  }))
}

function pendingRows(connection: Connection, group: string, range: PendingRange): Record<string, unknown>[] {
  const consumer = range.consumer ?? null
  if ('messageIds' in range) {
    const ids = JSON.stringify(range.messageIds.map(parseMessageId))
    return connection.statement(OF_IDS).all(group, consumer, ids)
  }
  const { limit, after } = range
  assertLimit(limit)
  return connection.statement(PAGE).all(group, consumer, after === undefined ? -1 : parseMessageId(after), limit)
}
