import { isDeepStrictEqual } from 'node:util'
import type { MessageId, PendingEntry, PendingTexts } from '../port.ts'
import { assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import { formatMessageId, parseMessageId } from './message-id.ts'

const PENDING = `
  SELECT id, iif(shard IS NOT NULL AND handed = 0, '', consumer) AS consumer, delivered_at, deliveries, note, payload, attachment FROM pending
  WHERE grp = ?1 AND id > ?2 AND (?3 IS NULL OR consumer = ?3) ORDER BY id LIMIT ?4`
const TEXTS = 'SELECT note, payload FROM pending WHERE grp = ? AND id = ? AND (note IS NOT NULL OR payload IS NOT NULL)'
const REWRITE = 'UPDATE pending SET note = ?3, payload = ?4 WHERE grp = ?1 AND id = ?2'

/** What a group has handed out and nobody has settled. To be called inside a step of the connection. */
export function pendingEntries(
  connection: Connection,
  group: string,
  { limit, after, consumer }: { limit: number; after?: MessageId; consumer?: string }
): PendingEntry[] {
  const behind = after === undefined ? -1 : parseMessageId(after)
  const now = Math.floor(connection.options.clock.now())
  const rows = connection.statement(PENDING).all(group, behind, consumer ?? null, limit)
  return rows.map(({ id, consumer, delivered_at, deliveries, note, payload, attachment }) => ({
    messageId: formatMessageId(Number(id)),
    consumer: String(consumer),
    idleMs: Math.max(0, now - Number(delivered_at)),
    deliveries: Number(deliveries),
    ...(note !== null && { note: String(note) }),
    ...(payload !== null && { amended: String(payload) }),
    ...(attachment !== null && { attachment: String(attachment) })
  }))
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
