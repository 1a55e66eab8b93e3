import { isDeepStrictEqual } from 'node:util'
import type { MessageId, PendingTexts } from '../port.ts'
import { assertStep } from './arguments.ts'
import type { Connection } from './connection.ts'
import { parseMessageId } from './message-id.ts'

const TEXTS = 'SELECT note, payload FROM pending WHERE grp = ? AND id = ? AND (note IS NOT NULL OR payload IS NOT NULL)'
const REWRITE = 'UPDATE pending SET note = ?3, payload = ?4 WHERE grp = ?1 AND id = ?2'

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
