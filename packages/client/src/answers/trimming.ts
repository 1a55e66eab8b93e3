import type * as Api from '@tradpal/event-api'
import { boolean, counts, number, reader } from './reading.ts'

export interface TrimReport {
  readonly removed: number
  /** Of those, how many some group had not acknowledged. Above 0 only with `force`. */
  readonly lost: number
  /** Of those lost, how many each group had not acknowledged, by its name. */
  readonly lostByGroup: Readonly<Record<string, number>>
  /** Of those lost, how many each guarding cursor had not passed, by its name. */
  readonly lostByCursor: Readonly<Record<string, number>>
  /** Some stayed beyond the limits, because a group has not acknowledged them. */
  readonly guarded: boolean
}

export const trimReportOf = reader<Api.TrimReport, TrimReport>({
  removed: number,
  lost: number,
  lost_by_group: counts,
  lost_by_cursor: counts,
  guarded: boolean
})
