import Type, { type Static } from 'typebox'
import { eventParts } from './events.ts'
import { closed, eventTypes, limit, messageId, onGap, orNull, streamKey, symbols } from './parts.ts'

export const StreamVersionQuery = closed({ stream_key: streamKey })
export type StreamVersionQuery = Static<typeof StreamVersionQuery>

export const StreamVersion = Type.Object(
  { stream_key: Type.String(), version: Type.Integer() },
  {
    title: 'StreamVersion',
    description: 'The number of events that were published with a stream key; 0 when none was.'
  }
)
export type StreamVersion = Static<typeof StreamVersion>

export const StreamEventsQuery = closed({
  stream_key: streamKey,
  from_version: Type.Integer({ minimum: 1, default: 1, description: 'From this version on.' }),
  limit
})
export type StreamEventsQuery = Static<typeof StreamEventsQuery>

export const StreamEvent = Type.Object(
  {
    message_id: messageId,
    version: Type.Integer({ description: 'Its number among the events of the stream key, from 1.' }),
    ...eventParts
  },
  { title: 'StreamEvent', description: 'An event of a stream key, and its places in the log and in the stream.' }
)
export type StreamEvent = Static<typeof StreamEvent>

export const StreamEventPage = Type.Object(
  {
    stream_key: Type.String(),
    events: Type.Array(StreamEvent),
    count: Type.Integer(),
    next_version: Type.Optional(Type.Integer({ description: 'Of a full page: the from_version of the next one.' }))
  },
  { title: 'StreamEventPage', description: 'Events of a stream key, in the order of their versions.' }
)
export type StreamEventPage = Static<typeof StreamEventPage>

/** The data of a frame `gap` of a stream or a streamed replay. */
export const StreamGap = Type.Object(
  {
    asked_id: Type.String({ description: 'Behind which message id the stream was to begin.' }),
    first_id: orNull(Type.String({ description: 'The first entry that is still there; null when there is none.' }))
  },
  { title: 'StreamGap', description: 'Entries behind the message id may have been trimmed.' }
)
export type StreamGap = Static<typeof StreamGap>

/** How the log is followed over Server-Sent Events. */
export const FollowQuery = closed({
  event_type: Type.Optional(eventTypes),
  symbol: Type.Optional(symbols),
  symbols: Type.Optional(symbols),
  events: Type.Optional(
    Type.Literal('unnamed', {
      description: 'Frames of events have no name: EventSource.onmessage receives them.'
    })
  ),
  on_gap: Type.Optional(onGap),
  after: Type.Optional(Type.String({ minLength: 1, description: 'A message id, or `start`: all that the log holds.' }))
})
export type FollowQuery = Static<typeof FollowQuery>

export const FollowHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ description: 'Where the stream goes on: the id of the last frame.' }))
})
export type FollowHeaders = Static<typeof FollowHeaders>
