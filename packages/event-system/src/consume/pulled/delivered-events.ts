import { LRUCache } from 'lru-cache'
import type { MessageId } from '../../log/index.ts'

/** How many deliveries are remembered. Those that were used least recently are forgotten first. */
const MOST = 50_000

/** The facts about an entry that never change. */
export interface DeliveredEvent {
  /** `null` for an entry whose type cannot be read. */
  readonly eventType: string | null
  /** When the log took the entry, ms since the epoch. */
  readonly appendedAt: number
}

/** The entries that this process delivered and that were not acknowledged yet, so that settling need not read the log. */
export type DeliveredEvents = LRUCache<MessageId, DeliveredEvent>

export function deliveredEvents(): DeliveredEvents {
  return new LRUCache({ max: MOST })
}
