import Type, { type Static } from 'typebox'
import { orNull } from './parts.ts'

export const SpoolState = Type.Object(
  {
    location: Type.String(),
    events: Type.Integer({ description: 'What waits there to come into the log.' }),
    bytes: Type.Integer({ description: 'Of these events, and of those that were refused.' }),
    max_bytes: Type.Integer(),
    oldest_seconds: orNull(Type.Number()),
    spooled: Type.Integer({ description: 'Events put in since the start.' }),
    drained: Type.Integer({ description: 'Events brought into the log since the start.' }),
    refused: Type.Integer({
      description:
        'Events that never come into the log, since their event ids stand for other events there: they are kept until an operator discards them.'
    })
  },
  { title: 'SpoolState', description: 'The spool: events on the disk of the service that wait for the log.' }
)
export type SpoolState = Static<typeof SpoolState>
