import type { Delivery, Hold } from '../port.ts'
import { formatMessageId, parseMessageId, timeOf } from './message-id.ts'

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

/** A row of what is pending, with its entry's payload. */
export function toDelivery({ id, payload, deliveries, attachment }: Record<string, unknown>): Delivery {
  return {
    messageId: formatMessageId(id as number),
    appendedAt: timeOf(id as number),
    payload: payload as string,
    attempt: deliveries as number,
    ...(attachment === null ? {} : { attachment: attachment as string })
  }
}
