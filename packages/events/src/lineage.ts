import type { Event } from './event.ts'

/** An event with the one that caused it in its metadata; what it names itself is kept. */
export function withLineage<T extends Event>(event: T, cause: Pick<Event, 'eventId' | 'metadata'>): T {
  const metadata = {
    correlation_id: cause.metadata.correlation_id ?? cause.eventId,
    causation_id: cause.eventId,
    ...event.metadata
  }
  return { ...event, metadata }
}
