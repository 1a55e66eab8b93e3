import { isDeepStrictEqual } from 'node:util'
import type { MessageId, PendingEntry, PendingRange, PendingTexts } from '../port.ts'
import { assertLimit, assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, parseMessageId, timeOf } from './message-id.ts'

const PENDING = `
  SELECT id, iif(shard IS NOT NULL AND handed = 0, '', consumer) AS consumer, delivered_at, deliveries, note, payload, attachment FROM pending
  WHERE grp = ?1 AND (?2 IS NULL OR consumer = ?2)`
const PAGE = `${PENDING} AND id > ?3 ORDER BY id LIMIT ?4`
const OF_IDS = `${PENDING} AND id IN (SELECT value FROM json_each(?3)) ORDER BY id`
const TEXTS = 'SELECT note, payload FROM pending WHERE grp = ? AND id = ? AND (note IS NOT NULL OR payload IS NOT NULL)'
const REWRITE = 'UPDATE pending SET note = ?3, payload = ?4 WHERE grp = ?1 AND id = ?2'

/** What a group has handed out and nobody has settled. To be called inside a step of the connection. */
export function pendingEntries(connection: Connection, group: string, range: PendingRange): PendingEntry[] {
  const now = Math.floor(connection.options.clock.now())
  return pendingRows(connection, group, range).map(
    ({ id, consumer, delivered_at, deliveries, note, payload, attachment }) => ({
      messageId: formatMessageId(Number(id)),
      appendedAt: timeOf(Number(id)),
      consumer: String(consumer),
      idleMs: Math.max(0, now - Number(delivered_at)),
      deliveries: Number(deliveries),
      ...(note !== null && { note: String(note) }),
      ...(payload !== null && { amended: String(payload) }),
      ...(attachment !== null && { attachment: String(attachment) })
    })
  )
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

/** Writes other texts in the place of those that a group keeps of pending entries. To be called inside a step of the connection. */
export function rewritePending(
  connection: Connection,
  group: string,
  messageIds: readonly MessageId[],
  change: (texts: PendingTexts) => PendingTexts
): number {
  assertStep(messageIds)
  return messageIds.filter((messageId) => {
    const id = parseMessageId(messageId)
    const row = connection.statement(TEXTS).get(group, id)
    if (row === undefined) return false
    const from = {
      messageId,
      ...(row.note !== null && { note: String(row.note) }),
      ...(row.payload !== null && { amended: String(row.payload) })
    }
    const to = change(from)
    if (isDeepStrictEqual(from, to)) return false
    connection.statement(REWRITE).run(group, id, to.note ?? null, to.amended ?? null)
    return true
  }).length
}
