import type { MessageId, PendingEntry, Storage } from '../port.ts'
import { documentId, ofGroup, RECORDS, REQUEUED } from './names.ts'
import { compareIn } from './order.ts'
import { parseRecord } from './record.ts'

const MOST_PARTITIONS = 1_024
/** At most this number of requeued entries is looked at. */
const MOST_REQUEUED = 10_000

type Written = Pick<PendingEntry, 'consumer' | 'deliveries' | 'attachment'>

/** What is written down of unfinished entries, in log order: those with a note, those that may have ended a member, and those that were requeued. */
export async function pendingOf(
  storage: Pick<Storage, 'collections' | 'log'>,
  group: string,
  { limit, after }: { readonly limit: number; readonly after?: MessageId }
): Promise<PendingEntry[]> {
  const written = new Map([...(await inRecords(storage, group)), ...(await requeued(storage, group))])
  const ids = [...written.keys()].filter((id) => after === undefined || compareIn(storage.log, id, after) > 0)
  const page = ids.sort((a, b) => compareIn(storage.log, a, b)).slice(0, limit)
  const entries = await storage.log.get(page)
  return page.flatMap((messageId, i) => {
    const appendedAt = entries[i]?.appendedAt
    return appendedAt === undefined
      ? []
      : [{ messageId, appendedAt, idleMs: 0, ...(written.get(messageId) as Written) }]
  })
}

async function inRecords(
  { collections }: Pick<Storage, 'collections'>,
  group: string
): Promise<[MessageId, Written][]> {
  const documents = await collections.list(RECORDS, { prefix: ofGroup(group), limit: MOST_PARTITIONS })
  return documents.flatMap(({ value }) => {
    const { owner, notes, attempts } = parseRecord(value)
    const ids = new Set([...Object.keys(notes), ...Object.keys(attempts)])
    return [...ids].map((messageId): [MessageId, Written] => {
      const attachment = notes[messageId]
      const deliveries = attempts[messageId] ?? 1
      return [messageId, { consumer: owner ?? '', deliveries, ...(attachment !== undefined && { attachment }) }]
    })
  })
}

async function requeued({ collections }: Pick<Storage, 'collections'>, group: string): Promise<[MessageId, Written][]> {
  const documents = await collections.list(REQUEUED, { prefix: ofGroup(group), limit: MOST_REQUEUED })
  return documents.map(({ id, value }) => {
    const written: Written = { consumer: '', deliveries: 0, ...(value !== '' && { attachment: value }) }
    return [id.slice(documentId(group, '').length), written]
  })
}
