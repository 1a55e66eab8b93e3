import { booleanOf, numberOf, partsOf } from './parts.ts'

export interface TrimReport {
  readonly removed: number
  /** Of those, how many some group had not acknowledged. Above 0 only with `force`. */
  readonly lost: number
  /** Of those lost, how many each group had not acknowledged, by its name. */
  readonly lostByGroup: Readonly<Record<string, number>>
  /** Some stayed beyond the limits, because a group has not acknowledged them. */
  readonly guarded: boolean
}

export function trimReportOf(value: unknown): TrimReport {
  const groups = partsOf(partsOf(value).lost_by_group)
  return {
    removed: numberOf(value, 'removed'),
    lost: numberOf(value, 'lost'),
    lostByGroup: Object.fromEntries(Object.keys(groups).map((group) => [group, numberOf(groups, group)])),
    guarded: booleanOf(value, 'guarded')
  }
}
