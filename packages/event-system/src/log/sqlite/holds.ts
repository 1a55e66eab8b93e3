import type { Hold } from '../port.ts'
import { parseMessageId } from './message-id.ts'

/** Holds of one attempt, and so of one statement. */
export interface HoldsOfAttempt {
  readonly attempt: number
  /** A JSON array of the ids. */
  readonly ids: string
}

/** Nearly always all are of the first attempt. */
export function byAttempt(holds: readonly Hold[]): HoldsOfAttempt[] {
  const ids = new Map<number, number[]>()
  for (const { messageId, attempt } of holds) {
    const known = ids.get(attempt)
    if (known === undefined) ids.set(attempt, [parseMessageId(messageId)])
    else known.push(parseMessageId(messageId))
  }
  return [...ids].map(([attempt, list]) => ({ attempt, ids: JSON.stringify(list) }))
}

/** The message ids of those holds of which nothing was found. */
export function lostOf(holds: readonly Hold[], found: readonly number[]): string[] {
  if (found.length === holds.length) return []
  const kept = new Set(found)
  return holds.map(({ messageId }) => messageId).filter((messageId) => !kept.has(parseMessageId(messageId)))
}
