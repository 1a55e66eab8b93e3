import type * as Api from '@tradpal/event-api'
import { type EventTypeFilter, onlyOptions } from '@tradpal/events'
import { eventTypeParameter, type Instant, instant, queryOf } from './query.ts'
import type { ServiceRequest } from './transport.ts'

/** Of which time, and how fine. Times are those at which the log took the events. */
export interface RateQuery {
  /** Counts of minutes are kept for 30 days, those of hours for ever. Default `minute`. */
  readonly per?: 'minute' | 'hour'
  /** From the minute or the hour of this instant on. Default: an hour before `endTime`, or with `per: 'hour'` a day. */
  readonly startTime?: Instant
  /** Up to the minute or the hour of this instant, inclusive. Default: now. */
  readonly endTime?: Instant
  /** One type or several. Default: all that the caller may read. */
  readonly eventType?: EventTypeFilter<string>
}

export function ratesRequest(query: RateQuery): ServiceRequest {
  onlyOptions('getRates()', query, { per: true, startTime: true, endTime: true, eventType: true })
  const parameters = queryOf<Api.RateQuery>({
    per: query.per,
    start_time: instant('startTime', query.startTime),
    end_time: instant('endTime', query.endTime),
    event_type: eventTypeParameter(query.eventType)
  })
  return { method: 'GET', path: '/events/rates', query: parameters, repeat: 'always' }
}
