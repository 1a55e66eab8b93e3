import type { Event, StoredEvent } from './event.ts'

/** Where an event comes from and what came of it, by the causation ids in the metadata. */
export interface Lineage<E = StoredEvent> {
  readonly event: E
  /** Its cause, that one's cause, and so on: the first cause first. */
  readonly causes: readonly E[]
  /** Its effects, and their effects, in log order. */
  readonly effects: readonly E[]
  /** False when the search ended at its bound of 200,000 entries in a direction, or a cause is no longer in the log. */
  readonly complete: boolean
}

/** An event with the one that caused it in its metadata; what it names itself is kept, `undefined` and null name nothing. */
export function withLineage<T extends Event>(event: T, cause: Pick<Event, 'eventId' | 'metadata'>): T {
  const correlation_id = event.metadata.correlation_id ?? lineageId(cause, 'correlation_id') ?? cause.eventId
  const causation_id = event.metadata.causation_id ?? cause.eventId
  return { ...event, metadata: { ...event.metadata, correlation_id, causation_id } }
}

/** An id of the event's lineage; undefined where there is none, or a value that is no text. */
export function lineageId(
  { metadata }: Pick<Event, 'metadata'>,
  key: 'correlation_id' | 'causation_id'
): string | undefined {
  const id: unknown = metadata[key]
  return typeof id === 'string' ? id : undefined
}
