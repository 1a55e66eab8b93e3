import Type, { type Static } from 'typebox'
import { closed, gap, hint, limit, messageId, position, range, time } from './parts.ts'

export const EventData = Type.Object(
  {},
  { title: 'EventData', additionalProperties: true, description: 'What the event carries.' }
)
export type EventData = Static<typeof EventData>

export const EventMetadata = Type.Object(
  {},
  { title: 'EventMetadata', additionalProperties: true, description: 'What travels beside the data.' }
)
export type EventMetadata = Static<typeof EventMetadata>

export const eventParts = {
  event_type: Type.String(),
  event_id: Type.String(),
  timestamp: time('When it happened, by its publisher.'),
  source: Type.String(),
  data: EventData,
  metadata: EventMetadata
}

export const StoredEvent = Type.Object(
  { message_id: messageId, ...eventParts },
  { title: 'StoredEvent', description: 'An event and its place in the log.' }
)
export type StoredEvent = Static<typeof StoredEvent>

export const MessageIdPath = Type.Object({ message_id: messageId })
export type MessageIdPath = Static<typeof MessageIdPath>

export const EventQuery = closed({ ...range, limit })
/** The range of a query, for every endpoint that takes one. */
export type EventRange = Omit<Static<typeof EventQuery>, 'limit'>
export type EventQuery = Static<typeof EventQuery>

export const EventPage = Type.Object(
  {
    events: Type.Array(StoredEvent),
    count: Type.Integer(),
    position,
    gap: Type.Optional(gap),
    hint: Type.Optional(hint)
  },
  { title: 'EventPage', description: 'The events that were found, oldest first, and where the next request goes on.' }
)
export type EventPage = Static<typeof EventPage>

export const EventTypes = Type.Object(
  {
    event_types: Type.Array(Type.String()),
    schemas: Type.Object({}, { additionalProperties: true, description: 'By event type.' })
  },
  { title: 'EventTypes', description: 'The names of the event types, and the JSON Schema of the data of each.' }
)
export type EventTypes = Static<typeof EventTypes>

export const Lineage = Type.Object(
  {
    event: StoredEvent,
    causes: Type.Array(StoredEvent, { description: 'The first cause first.' }),
    effects: Type.Array(StoredEvent, { description: 'In log order.' }),
    complete: Type.Boolean({
      description: 'False when the search ended at its bound, a cause is no longer in the log, or some may not be read.'
    })
  },
  { title: 'Lineage', description: 'An event, what caused it, and what followed from it.' }
)
export type Lineage = Static<typeof Lineage>
