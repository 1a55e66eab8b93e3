import Type, { type Static } from 'typebox'
import { StoredEvent } from './events.ts'
import { closed, eventTypes } from './parts.ts'

export const PullRequest = closed(
  {
    max: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'The most events to hand out.' })
    ),
    wait_ms: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 60_000, default: 0, description: 'How long to wait for the first.' })
    ),
    event_types: Type.Optional(eventTypes),
    consumer: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, default: 'http', description: 'The name of the consumer.' })
    ),
    lease_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 86_400_000,
        default: 30_000,
        description:
          'An event that is not settled or extended for this long is handed out again. The same for all of the group.'
      })
    ),
    max_attempts: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description:
          'An event that failed this often goes to the dead letters. Default: as the group is set, 5 at its first pull.'
      })
    ),
    from: Type.Optional(
      Type.String({
        minLength: 1,
        default: 'new',
        description: 'Where a new group begins: new, start, a position or message id, a time.'
      })
    )
  },
  {
    title: 'PullRequest',
    description: 'Which events to hand out, and for how long.',
    examples: [{ max: 10, wait_ms: 0, consumer: 'worker-1', from: 'start' }]
  }
)
export type PullRequest = Static<typeof PullRequest>

export const Delivery = Type.Object(
  {
    delivery_id: Type.String({ description: 'Settles it.' }),
    attempt: Type.Integer({ description: 'How many times it was handed out, this time included.' }),
    event: StoredEvent
  },
  { title: 'Delivery', description: 'An event that is handed out to the caller until its lease ends.' }
)
export type Delivery = Static<typeof Delivery>

export const PullResult = Type.Object(
  { deliveries: Type.Array(Delivery), count: Type.Integer(), lease_ms: Type.Integer() },
  { title: 'PullResult', description: 'What is handed out; empty when there was nothing in time.' }
)
export type PullResult = Static<typeof PullResult>

/** An id holds two names of 200 characters and what else a delivery takes, in base64: no genuine one is longer. */
const LONGEST_ID = 4_000

const deliveryIds = Type.Array(Type.String({ minLength: 1, maxLength: LONGEST_ID }), {
  minItems: 1,
  maxItems: 1_000,
  description: 'As pulled, by the same principal.'
})

export const SettleRequest = closed(
  { delivery_ids: deliveryIds },
  { title: 'SettleRequest', description: 'Deliveries that the caller holds.' }
)
export type SettleRequest = Static<typeof SettleRequest>

export const NackRequest = closed(
  {
    delivery_ids: deliveryIds,
    reason: Type.Optional(
      Type.String({ minLength: 1, maxLength: 2_000, description: 'What failed; without it, no failure is counted.' })
    ),
    delay_ms: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 86_400_000, description: 'Not to be handed out before. Default: a backoff.' })
    ),
    reject: Type.Optional(
      Type.Boolean({ default: false, description: 'Trying again cannot help: dead letters at once.' })
    )
  },
  { title: 'NackRequest', description: 'Deliveries that the caller hands back, and why.' }
)
export type NackRequest = Static<typeof NackRequest>

const lost = Type.Array(Type.String(), { description: 'Those that were not yours any more.' })

export const AckResult = Type.Object(
  { acknowledged: Type.Integer(), lost },
  { title: 'AckResult', description: 'The deliveries are done, but for those that were lost.' }
)
export type AckResult = Static<typeof AckResult>

export const ExtendResult = Type.Object(
  { extended: Type.Integer(), lost },
  { title: 'ExtendResult', description: 'The leases have started again, but for those that were lost.' }
)
export type ExtendResult = Static<typeof ExtendResult>

export const NackResult = Type.Object(
  { returned: Type.Integer(), dead: Type.Integer({ description: 'Dead letters now.' }), lost },
  { title: 'NackResult', description: 'The deliveries are handed back, but for those that were lost.' }
)
export type NackResult = Static<typeof NackResult>
