import { type Clock, EventSystemError, type EventTypeFilter, onlyOptions } from '@tradpal/events'
import type { Rate, Storage } from '../log/index.ts'
import { instant, typeSet } from './event-query.ts'

/** Of which time, and how fine. Times are those at which the log took the events. */
export interface RateQuery {
  /** Counts of minutes are kept for 30 days, those of hours for ever. Default `minute`. */
  readonly per?: 'minute' | 'hour'
  /** From the minute or the hour of this instant on: a Date, milliseconds since the epoch, or RFC 3339. Default: an hour before `endTime`, or with `per: 'hour'` a day. */
  readonly startTime?: Date | number | string
  /** Up to the minute or the hour of this instant, inclusive. Default: now. */
  readonly endTime?: Date | number | string
  /** One type or several. Default: all, which `'*'` says too. */
  readonly eventType?: EventTypeFilter<string>
}

const HOUR_MS = 3_600_000
const DEFAULT_LENGTH_MS = { minute: HOUR_MS, hour: 24 * HOUR_MS }

/** Rejects with `invalid_argument`, `unknown_event_type`, `invalid_options`, and `unsupported` where the log has no index. */
export async function ratesIn({ log }: Storage, query: RateQuery, clock: Clock): Promise<Rate[]> {
  onlyOptions('getRates()', query, { per: true, startTime: true, endTime: true, eventType: true })
  const { per = 'minute', eventType } = query
  const types = eventType === undefined ? undefined : typeSet(eventType)
  const to = instant('endTime', query.endTime) ?? clock.now()
  const from = instant('startTime', query.startTime) ?? to - (DEFAULT_LENGTH_MS[per] ?? 0)
  if (from > to) {
    throw new EventSystemError(
      'invalid_argument',
      'startTime is after endTime; give the earlier of the two as startTime.'
    )
  }
  if (log.rates === undefined) {
    throw new EventSystemError(
      'unsupported',
      'This log has no index, and so no counts: turn the index on (EVENT_INDEX=on).'
    )
  }
  const rates = await log.rates({ per, from, to })
  return types === undefined ? rates : rates.map((rate) => ofTypes(rate, types)).filter(hasSome)
}

function ofTypes({ at, counts }: Rate, types: ReadonlySet<string>): Rate {
  return { at, counts: Object.fromEntries(Object.entries(counts).filter(([type]) => types.has(type))) }
}

function hasSome({ counts }: Rate): boolean {
  return Object.keys(counts).length > 0
}
