import Type, { type Static } from 'typebox'
import { messageId, orNull } from './parts.ts'
import { SpoolState } from './spool.ts'

export const GroupStats = Type.Object(
  {
    name: Type.String(),
    consumers: Type.Integer(),
    pending: Type.Integer({ description: 'Handed out and not yet acknowledged.' }),
    'last-delivered-id': messageId,
    lag: orNull(Type.Integer({ description: 'Not yet handed out; null where the log cannot tell.' }))
  },
  { title: 'GroupStats', description: 'How a consumer group stands, in short.' }
)
export type GroupStats = Static<typeof GroupStats>

export const EventStats = Type.Object(
  {
    stream_length: orNull(
      Type.Integer({
        description: 'null to who may not read every event type, as all that tells of the log as a whole.'
      })
    ),
    first_entry: orNull(messageId),
    last_entry: orNull(messageId),
    first_entry_at: orNull(Type.String({ description: 'When the log took it.' })),
    last_entry_at: orNull(Type.String()),
    consumer_groups: Type.Integer(),
    groups: Type.Array(GroupStats),
    dead_letters: Type.Integer(),
    deduplication_entries: orNull(Type.Integer({ description: 'Event ids in the deduplication window.' })),
    bytes: orNull(Type.Integer({ description: 'What the log takes, about.' })),
    spool: Type.Optional(SpoolState),
    log: Type.String(),
    location: Type.String()
  },
  { title: 'EventStats', description: 'How the log stands.' }
)
export type EventStats = Static<typeof EventStats>
