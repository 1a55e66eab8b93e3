import type { AppendEntry, Storage } from '../port.ts'
import { newEventId } from './entries.ts'
import type { Declared } from './harness.ts'

/** Whether the log has more than one partition, of which each has the entries of one type. */
export function hasSeveral({ features: { totalOrder } }: Declared): boolean {
  return !totalOrder
}

/** Entries of one type, whose payloads name and number them. */
export function ofType(eventType: string, count: number, first = 0): AppendEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    eventId: newEventId(),
    eventType,
    payload: `${eventType} ${first + i}`
  }))
}

/** Whether a reader that goes on behind the position is told that something may be gone. */
export async function hasGap({ log }: Storage, position: string): Promise<boolean> {
  const { first, last } = await log.bounds()
  return (log.compare(position, first ?? last ?? position) ?? -1) < 0
}
