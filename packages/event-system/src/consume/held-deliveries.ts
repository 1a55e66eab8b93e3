import type { Delivery, Hold, Storage, WorkQueue } from '../log/index.ts'

export interface HolderParts {
  readonly storage: Storage
  readonly group: WorkQueue
  readonly consumer: string
}

/**
 * What a consumer holds, once more as it was delivered: the entry is the log's, its attachment the group's. Left out is what it does not hold any more, and what was trimmed meanwhile.
 */
export async function heldDeliveries(
  { storage, group, consumer }: HolderParts,
  holds: readonly Hold[]
): Promise<Delivery[]> {
  const attempts = new Map(holds.map(({ messageId, attempt }) => [messageId, attempt]))
  const messageIds = [...attempts.keys()]
  const [pending, entries] = await Promise.all([group.pending({ messageIds, consumer }), storage.log.get(messageIds)])
  const byId = new Map(messageIds.map((messageId, i) => [messageId, entries[i]]))
  return pending.flatMap(({ messageId, deliveries: attempt, attachment }) => {
    const entry = byId.get(messageId)
    if (entry === undefined || attempts.get(messageId) !== attempt) return []
    return [{ ...entry, attempt, ...(attachment !== undefined && { attachment }) }]
  })
}
