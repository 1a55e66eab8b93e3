import type { MessageId, PendingEntry } from '../port.ts'
import type { Connection, Reply } from './connection.ts'
import { isNobody } from './holders.ts'
import { compareMessageIds, mustBeMessageId, timeOfMessageId } from './message-id.ts'

/** A group of a stream, and the key of the attachments that it keeps. */
export interface GroupOfStream {
  readonly stream: string
  readonly group: string
  readonly attachments: string
}

type PendingRow = [messageId: string, holder: string, idleMs: number, deliveries: number]

/** A page of what is pending in a group, where XPENDING begins at `from`; of one consumer, or of all. */
export async function pendingPage(
  connection: Connection,
  group: GroupOfStream,
  { from, limit, consumer }: { from: string; limit: number; consumer: string | undefined }
): Promise<PendingEntry[]> {
  const holder = consumer === undefined ? [] : [consumer]
  const command = ['XPENDING', group.stream, group.group, from, '+', String(limit), ...holder]
  return withAttachments(connection, group, await connection.read<PendingRow[]>(command))
}

/** What is pending of these ids, in log order; of one consumer, or of all. */
export async function pendingOf(
  connection: Connection,
  group: GroupOfStream,
  messageIds: readonly MessageId[],
  consumer: string | undefined
): Promise<PendingEntry[]> {
  const ids = [...new Set(messageIds.map(mustBeMessageId))].sort(compareMessageIds)
  const pending = ['XPENDING', group.stream, group.group]
  const holder = consumer === undefined ? [] : [consumer]
  const [, ...found] = await Promise.all([
    // Without the group it is refused here, be it that nothing is asked for.
    connection.read<Reply>(pending),
    ...ids.map((id) => connection.read<PendingRow[]>([...pending, id, id, '1', ...holder]))
  ])
  return withAttachments(connection, group, found.flat())
}

async function withAttachments(
  connection: Connection,
  { attachments }: GroupOfStream,
  rows: readonly PendingRow[]
): Promise<PendingEntry[]> {
  if (rows.length === 0) return []
  const ids = rows.map(([messageId]) => messageId)
  const texts = await connection.read<(string | null)[]>(['HMGET', attachments, ...ids])
  return rows.map(([messageId, holder, idleMs, deliveries], i) => {
    const consumer = isNobody(holder) ? '' : holder
    const entry = { messageId, appendedAt: timeOfMessageId(messageId), consumer, idleMs, deliveries }
    const attachment = texts[i] ?? null
    return attachment === null ? entry : { ...entry, attachment }
  })
}
