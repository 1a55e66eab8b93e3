import Type, { type Static } from 'typebox'
import { closed, eventTypes, time, timeFilter } from './parts.ts'

export const RateQuery = closed({
  per: Type.Optional(
    Type.Union([Type.Literal('minute'), Type.Literal('hour')], {
      description: 'The length of a count: minute (default; kept for 30 days) or hour (kept for ever).'
    })
  ),
  start_time: Type.Optional(
    timeFilter('From the minute or the hour of this time on. Default: an hour before end_time; with per=hour a day.')
  ),
  end_time: Type.Optional(timeFilter('Up to the minute or the hour of this time. Default: now.')),
  event_type: Type.Optional(eventTypes)
})
export type RateQuery = Static<typeof RateQuery>

export const Rate = Type.Object(
  {
    at: time('When the minute or the hour began.'),
    counts: Type.Record(Type.String(), Type.Integer(), {
      description:
        'How many events of each type the log took, by the type. Of more than 1,000 types the rest is (other).',
      examples: [{ market_data_update: 1_200, trading_signal: 3 }]
    })
  },
  { title: 'Rate', description: 'What the log took in a minute or an hour.' }
)
export type Rate = Static<typeof Rate>

export const Rates = Type.Object(
  {
    rates: Type.Array(Rate, { description: 'Oldest first. A minute or an hour in which nothing came is left out.' })
  },
  { title: 'Rates', description: 'How many events the log took, and when.' }
)
export type Rates = Static<typeof Rates>
