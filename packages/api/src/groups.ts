import Type, { type Static } from 'typebox'
import { closed, limit, messageId, orNull } from './parts.ts'

export const GroupPath = Type.Object({
  group: Type.String({ description: 'The name of a consumer group.', examples: ['example-group'] })
})
export type GroupPath = Static<typeof GroupPath>

const HIDDEN = 'null to who may not see the figures of the group.'
const figure = (description: string) => orNull(Type.Integer({ description: `${description} ${HIDDEN}` }))

export const PullSettings = Type.Object(
  {
    event_types: orNull(
      Type.Array(Type.String(), {
        description: 'Those that are delivered; the others are acknowledged. null: all are.'
      })
    ),
    max_attempts: Type.Integer({ description: 'An event that failed this often goes to the dead letters.' })
  },
  { title: 'PullSettings', description: 'How a group is pulled.' }
)
export type PullSettings = Static<typeof PullSettings>

export const GroupMember = Type.Object(
  {
    name: Type.String(),
    pending: figure('Handed out to it and not yet acknowledged.'),
    idle_ms: Type.Integer({ description: 'Since it last read, claimed or renewed.' }),
    partitions: Type.Array(Type.Integer())
  },
  { title: 'GroupMember', description: 'A consumer of a group.' }
)
export type GroupMember = Static<typeof GroupMember>

export const GroupInfo = Type.Object(
  {
    name: Type.String(),
    partitions: orNull(
      Type.Integer({
        description: 'The number of partitions into which it is cut by key; null when it shares event by event.'
      })
    ),
    members: Type.Array(GroupMember),
    lag: figure('Events not yet handed out; null where the log cannot tell.'),
    lag_seconds: orNull(Type.Number({ description: `The age of the oldest of those. ${HIDDEN}` })),
    pending: figure('Handed out and not yet acknowledged.'),
    retrying: figure('Of those, how many failed and wait to be tried again.'),
    oldest_pending_seconds: orNull(Type.Number({ description: 'The age of the oldest of those.' })),
    last_delivered_id: orNull(messageId),
    pulled: orNull(PullSettings)
  },
  { title: 'GroupInfo', description: 'How a consumer group stands.' }
)
export type GroupInfo = Static<typeof GroupInfo>

export const GroupList = Type.Object(
  { groups: Type.Array(GroupInfo) },
  { title: 'GroupList', description: 'The consumer groups that the caller may know.' }
)
export type GroupList = Static<typeof GroupList>

export const PendingEvent = Type.Object(
  {
    message_id: messageId,
    at: Type.String({ description: 'When the log took it.' }),
    consumer: Type.String({ description: 'Who has it; empty when nobody does.' }),
    idle_ms: Type.Integer({ description: 'Since it was handed out or extended.' }),
    deliveries: Type.Integer({ description: 'How many times it was handed out.' }),
    failures: Type.Integer({ description: 'How often its handlers have failed.' }),
    last_error: orNull(Type.String({ description: 'What they failed with last.' })),
    due_at: orNull(Type.String({ description: 'When it is tried again; null when it does not wait for that.' }))
  },
  { title: 'PendingEvent', description: 'An event that was handed out and is not yet acknowledged.' }
)
export type PendingEvent = Static<typeof PendingEvent>

export const GroupQuery = closed({
  after: Type.Optional(Type.String({ description: 'Only events behind this message id.' })),
  limit
})
export type GroupQuery = Static<typeof GroupQuery>

export const GroupDetails = Type.Object(
  {
    ...GroupInfo.properties,
    pending_events: orNull(Type.Array(PendingEvent, { description: HIDDEN }))
  },
  { title: 'GroupDetails', description: 'How a consumer group stands, and a page of what is pending in it.' }
)
export type GroupDetails = Static<typeof GroupDetails>

export const PullSettingsChange = closed(
  {
    event_types: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        maxItems: 100,
        description: 'Those that are delivered; the group acknowledges the others. * for all.',
        examples: [['trading_signal']]
      })
    ),
    max_attempts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: 'An event that failed this often goes to the dead letters.'
      })
    )
  },
  { title: 'PullSettingsChange', description: 'What changes of how a group is pulled.' }
)
export type PullSettingsChange = Static<typeof PullSettingsChange>

export const PullSettingsChanged = Type.Object(
  { status: Type.Literal('changed'), group: Type.String(), pulled: PullSettings },
  { title: 'PullSettingsChanged', description: 'How the group is pulled from now on.' }
)
export type PullSettingsChanged = Static<typeof PullSettingsChanged>

const force = Type.Optional(
  Type.Boolean({ default: false, description: 'Also while members live, or events are pending.' })
)

export const SeekRequest = closed(
  {
    to: Type.String({
      minLength: 1,
      description: 'start, end, a position or message id (behind it), or a time such as 2026-11-17T00:00:00Z.'
    }),
    force
  },
  { title: 'SeekRequest', description: 'Where the group goes on.' }
)
export type SeekRequest = Static<typeof SeekRequest>

export const GroupMoved = Type.Object(
  { status: Type.Literal('moved'), group: Type.String() },
  { title: 'GroupMoved', description: 'The group was moved.' }
)
export type GroupMoved = Static<typeof GroupMoved>

export const RemoveGroupQuery = closed({ force })
export type RemoveGroupQuery = Static<typeof RemoveGroupQuery>

export const GroupRemoved = Type.Object(
  { status: Type.Literal('removed'), group: Type.String() },
  { title: 'GroupRemoved', description: 'The group was dropped.' }
)
export type GroupRemoved = Static<typeof GroupRemoved>

export const DeliveryKeyRotated = Type.Object(
  { status: Type.Literal('rotated') },
  { title: 'DeliveryKeyRotated', description: 'Another key signs the ids of deliveries.' }
)
export type DeliveryKeyRotated = Static<typeof DeliveryKeyRotated>
