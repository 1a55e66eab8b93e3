import type { Event } from './event.ts'

/** An event with the one that caused it in its metadata; what it names itself is kept, `undefined` names nothing. */
export function withLineage<T extends Event>(event: T, cause: Pick<Event, 'eventId' | 'metadata'>): T {
  const correlation_id = event.metadata.correlation_id ?? cause.metadata.correlation_id ?? cause.eventId
  const causation_id = event.metadata.causation_id ?? cause.eventId
  return { ...event, metadata: { ...event.metadata, correlation_id, causation_id } }
}
