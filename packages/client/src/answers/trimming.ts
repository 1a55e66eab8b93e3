import { booleanOf, numberOf, partsOf } from './parts.ts'

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

export function trimReportOf(value: unknown): TrimReport {
  return {
    removed: numberOf(value, 'removed'),
    lost: numberOf(value, 'lost'),
    lostByGroup: countsOf(partsOf(value).lost_by_group),
    lostByCursor: countsOf(partsOf(value).lost_by_cursor),
    guarded: booleanOf(value, 'guarded')
  }
}

function countsOf(value: unknown): Record<string, number> {
  const counts = partsOf(value)
  return Object.fromEntries(Object.keys(counts).map((name) => [name, numberOf(counts, name)]))
}
