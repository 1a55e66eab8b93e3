import { groupOfCursor } from './partitioned/index.ts'
import type { TrimResult } from './port.ts'

type Losses = Pick<TrimResult, 'lostByGroup' | 'lostByCursor'>

export const NO_LOSSES: Losses = { lostByGroup: {}, lostByCursor: {} }

/** Adds up what the steps of a trim removed. */
export class TrimSum {
  #removed = 0
  #lost = 0
  #guarded = false
  readonly #lostByGroup: Record<string, number> = {}
  readonly #lostByCursor: Record<string, number> = {}

  add({ removed, lost, lostByGroup, lostByCursor, guarded }: TrimResult): void {
    this.#removed += removed
    this.#lost += lost
    this.#guarded ||= guarded
    addCounts(this.#lostByGroup, lostByGroup)
    addCounts(this.#lostByCursor, lostByCursor)
  }

  get result(): TrimResult {
    return {
      removed: this.#removed,
      lost: this.#lost,
      lostByGroup: this.#lostByGroup,
      lostByCursor: this.#lostByCursor,
      guarded: this.#guarded
    }
  }
}

/** The loss of one group or one guarding cursor in one step. */
export interface Loss {
  readonly kind: 'group' | 'cursor'
  readonly name: string
  readonly lost: number
}

/**
 * The losses of one step by name, without those of 0. A partitioned group has a cursor for each partition: the one that is behind the
 * others has all that they have not passed.
 */
export function lossesOf(losses: readonly Loss[]): Losses {
  const lostByGroup: Record<string, number> = {}
  const lostByCursor: Record<string, number> = {}
  for (const { kind, name, lost } of losses) {
    if (lost === 0) continue
    const group = kind === 'group' ? name : groupOfCursor(name)
    if (group === undefined) lostByCursor[name] = lost
    else lostByGroup[group] = Math.max(lostByGroup[group] ?? 0, lost)
  }
  return { lostByGroup, lostByCursor }
}

function addCounts(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
}
