import Type, { type Static } from 'typebox'
import { closed, limit, messageId, time, timeFilter } from './parts.ts'

export const HandlingError = Type.Object(
  {
    message: Type.String(),
    stack: Type.Optional(Type.String()),
    pointer: Type.Optional(Type.String({ description: 'Of an invalid event: JSON pointer of what is wrong.' })),
    at: time('When.')
  },
  { title: 'HandlingError', description: "One failure of an event's handling." }
)
export type HandlingError = Static<typeof HandlingError>

export const DeadLetter = Type.Object(
  {
    id: Type.String(),
    message_id: messageId,
    group: Type.String(),
    consumer: Type.String(),
    handler: Type.Union([Type.String(), Type.Null()], {
      description: 'The handler that gave up; null when none saw it.'
    }),
    event_type: Type.Union([Type.String(), Type.Null()], { description: 'null when the entry is no valid event.' }),
    kind: Type.String({ description: 'poison, invalid, rejected or exhausted.' }),
    reason: Type.String({ description: 'What the last error said.' }),
    attempts: Type.Integer({ description: 'How often the handler was tried.' }),
    requeues: Type.Integer({ description: 'How often an operator had put the entry back before.' }),
    amended: Type.Boolean({ description: 'Whether an operator had given the group the event with other data.' }),
    fingerprint: Type.String({
      description:
        'The same for dead letters of one cause: of their group, event type, class of error and place in the code.'
    }),
    first_error: HandlingError,
    last_error: HandlingError,
    dead_at: time('When it was put here.'),
    payload: Type.Union([Type.String(), Type.Null()], { description: 'The entry as the group had it.' }),
    raw: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'What the entry holds where it has no event.' })
    )
  },
  { title: 'DeadLetter', description: 'An entry that a consumer group gave up on.' }
)
export type DeadLetter = Static<typeof DeadLetter>

export const DeadLetterPath = Type.Object({ id: Type.String({ description: "The letter's own id." }) })
export type DeadLetterPath = Static<typeof DeadLetterPath>

const after = Type.Optional(Type.String({ minLength: 1, description: 'Behind the one with this id.' }))
const by = Type.Optional(
  Type.String({ minLength: 1, maxLength: 200, default: 'http', description: 'Who does it, for the record.' })
)
const group = Type.Optional(Type.String({ minLength: 1, description: 'Only those of this consumer group.' }))
const filter = {
  group,
  event_type: Type.Optional(Type.String({ minLength: 1, description: 'Only those of events of this type.' })),
  handler: Type.Optional(Type.String({ minLength: 1, description: 'Only those that this handler gave up.' })),
  kind: Type.Optional(
    Type.Union([Type.Literal('poison'), Type.Literal('invalid'), Type.Literal('rejected'), Type.Literal('exhausted')], {
      description: 'Only those given up for this reason.'
    })
  ),
  fingerprint: Type.Optional(Type.String({ minLength: 1, description: 'Only those of this cause.' })),
  since: Type.Optional(timeFilter('Put here at this time or later.')),
  until: Type.Optional(timeFilter('Put here at this time or earlier.'))
}
export const DeadLetterFilter = Type.Object(filter)
export type DeadLetterFilter = Static<typeof DeadLetterFilter>

export const DeadLetterQuery = closed({ ...filter, after, limit })
export type DeadLetterQuery = Static<typeof DeadLetterQuery>

export const DeadLetterPage = Type.Object(
  {
    dead_letters: Type.Array(DeadLetter),
    count: Type.Integer({ description: 'In this answer.' }),
    total: Type.Integer({ description: 'All that match, whatever after and limit say.' })
  },
  { title: 'DeadLetterPage', description: 'The dead letters that match, oldest first.' }
)
export type DeadLetterPage = Static<typeof DeadLetterPage>

export const DeadLetterAction = Type.Object(
  {
    id: Type.String(),
    at: time('When it was done.'),
    action: Type.String({ description: 'requeue or discard.' }),
    by: Type.String(),
    reason: Type.Optional(Type.String({ description: 'Why it was discarded.' })),
    amended: Type.Boolean({ description: 'Whether the group got the event with other data.' }),
    letter: DeadLetter
  },
  { title: 'DeadLetterAction', description: 'What an operator did to a dead letter.' }
)
export type DeadLetterAction = Static<typeof DeadLetterAction>

export const DeadLetterActionQuery = closed({ after, limit })
export type DeadLetterActionQuery = Static<typeof DeadLetterActionQuery>

export const DeadLetterActionPage = Type.Object(
  { actions: Type.Array(DeadLetterAction), count: Type.Integer() },
  { title: 'DeadLetterActionPage', description: 'What operators did to dead letters, oldest first.' }
)
export type DeadLetterActionPage = Static<typeof DeadLetterActionPage>

export const DeadLetterCause = Type.Object(
  {
    group: Type.String(),
    fingerprint: Type.String(),
    count: Type.Integer({ description: 'How many dead letters have this cause.' }),
    oldest: DeadLetter
  },
  { title: 'DeadLetterCause', description: 'The dead letters of one group that have the same fingerprint.' }
)
export type DeadLetterCause = Static<typeof DeadLetterCause>

export const DeadLetterCauseQuery = closed({ group })
export type DeadLetterCauseQuery = Static<typeof DeadLetterCauseQuery>

export const DeadLetterCauseList = Type.Object(
  { causes: Type.Array(DeadLetterCause), count: Type.Integer({ description: 'How many causes.' }) },
  { title: 'DeadLetterCauseList', description: 'The dead letters by cause.' }
)
export type DeadLetterCauseList = Static<typeof DeadLetterCauseList>

export const RequeueRequest = closed(
  {
    by,
    data: Type.Optional(
      Type.Object(
        {},
        {
          additionalProperties: true,
          description:
            'The group gets the event with this data instead, and with who gave it as metadata.amended_by. It takes the scope publish:<type> and the source of the event.'
        }
      )
    )
  },
  { title: 'RequeueRequest', description: 'How an entry is put back.' }
)
export type RequeueRequest = Static<typeof RequeueRequest>

export const DeadLetterRequeued = Type.Object(
  { status: Type.Literal('requeued'), id: Type.String() },
  { title: 'DeadLetterRequeued', description: 'The entry is back with its group.' }
)
export type DeadLetterRequeued = Static<typeof DeadLetterRequeued>

export const RequeueAllRequest = closed(
  {
    ...filter,
    all: Type.Optional(Type.Literal(true, { description: 'Without a filter: that all are really meant.' })),
    dry_run: Type.Optional(Type.Boolean({ default: false, description: 'Only says how many match.' })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000, description: 'The most to put back in this call.' })
    ),
    expected: Type.Optional(Type.Integer({ minimum: 0, description: 'As `next` of an earlier answer says.' })),
    after: Type.Optional(Type.String({ minLength: 1, description: 'As `next` of an earlier answer says.' })),
    by
  },
  {
    title: 'RequeueAllRequest',
    description: 'Which dead letters are put back.',
    examples: [{ group: 'example-group', dry_run: true }]
  }
)
export type RequeueAllRequest = Static<typeof RequeueAllRequest>

export const RequeueFailure = Type.Object(
  { id: Type.String(), code: Type.String() },
  { title: 'RequeueFailure', description: 'A dead letter that could not be put back, and why.' }
)
export type RequeueFailure = Static<typeof RequeueFailure>

export const RequeueNext = Type.Object(
  {
    until: time('Letters that came later are left out.'),
    expected: Type.Integer(),
    after: Type.Optional(Type.String())
  },
  {
    title: 'RequeueNext',
    description: 'What to send over the same body to go on; left out when nothing remains.'
  }
)
export type RequeueNext = Static<typeof RequeueNext>

export const RequeueResult = Type.Object(
  {
    matched: Type.Integer({ description: 'How many matched when it began.' }),
    requeued: Type.Integer(),
    remaining: Type.Integer({ description: 'Of those that matched, how many this call did not try.' }),
    failed: Type.Array(RequeueFailure),
    next: Type.Optional(RequeueNext)
  },
  { title: 'RequeueResult', description: 'What was put back.' }
)
export type RequeueResult = Static<typeof RequeueResult>

export const DiscardRequest = closed(
  { by, reason: Type.String({ minLength: 1, maxLength: 1_000, description: 'Why.' }) },
  { title: 'DiscardRequest', description: 'Why a dead letter is removed, and by whom.' }
)
export type DiscardRequest = Static<typeof DiscardRequest>

export const DeadLetterDiscarded = Type.Object(
  { status: Type.Literal('discarded'), id: Type.String() },
  { title: 'DeadLetterDiscarded', description: 'The dead letter is removed.' }
)
export type DeadLetterDiscarded = Static<typeof DeadLetterDiscarded>
