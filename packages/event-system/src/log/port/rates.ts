export type { Rate } from '@tradpal/events'

/** How many entries the log took, and when: {@link Log.rates}. */
export interface RateRange {
  /** Each count is of one of these. Those of minutes are kept for 30 days, those of hours for ever. */
  readonly per: 'minute' | 'hour'
  /** The first instant that is wanted, ms since the epoch: the count that it falls into is the first. */
  readonly from: number
  /** The last instant that is wanted, inclusive. */
  readonly to: number
}
