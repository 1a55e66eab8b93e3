import Type, { type Static } from 'typebox'
import { closed, eventTypes, gap, hint, onGap, position, range, symbols, timeFilter, timeOrder } from './parts.ts'

export const ReplayQuery = closed({
  ...range,
  speed: Type.Optional(
    Type.String({
      description:
        'How fast a streamed replay goes: 1 is the pace of the times that time says, 10 ten times that, max (default) does not wait.',
      examples: ['1', 'max']
    })
  )
})
export type ReplayQuery = Static<typeof ReplayQuery>

/** The same parameters as a body. */
export const ReplayRequest = Type.Object(
  {
    event_type: Type.Optional(Type.Union([Type.String(), eventTypes, Type.Null()])),
    symbol: Type.Optional(Type.Union([Type.String(), symbols, Type.Null()])),
    symbols: Type.Optional(Type.Union([Type.String(), symbols, Type.Null()])),
    start_time: Type.Optional(Type.Union([timeFilter('Taken by the log at this time or later.'), Type.Null()])),
    end_time: Type.Optional(Type.Union([timeFilter('Taken by the log at this time or earlier.'), Type.Null()])),
    time: Type.Optional(Type.Union([timeOrder, Type.Null()])),
    after: Type.Optional(Type.Union([position, Type.Null()])),
    on_gap: Type.Optional(Type.Union([onGap, Type.Null()])),
    speed: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()]))
  },
  {
    title: 'ReplayRequest',
    description: 'The range, where it is not in the query.',
    examples: [{ event_type: 'trading_signal' }]
  }
)
export type ReplayRequest = Static<typeof ReplayRequest>

export const ReplayReport = Type.Object(
  {
    status: Type.Literal('replay_complete'),
    events_replayed: Type.Integer(),
    gap: Type.Optional(gap),
    hint: Type.Optional(hint)
  },
  { title: 'ReplayReport', description: 'How many events the range has.' }
)
export type ReplayReport = Static<typeof ReplayReport>
