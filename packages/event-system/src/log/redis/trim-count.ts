import { groupOfCursor } from '../partitioned/index.ts'
import type { TrimResult } from '../port.ts'

/** What one step of a trim answers; lostByGroup is the name of a group, or `cursor <name>`, and count in turn. */
export type StepReply = [removed: number, lost: number, guarded: number, lostByGroup: (string | number)[]]

/** Adds up the steps of a trim. */
export class TrimCount {
  removed = 0
  #lost = 0
  #guarded = false
  readonly #lostByGroup = new Map<string, number>()

  /** Resolves to how many the step removed, and what else it answered. */
  add<Rest extends string[]>([removed, lost, guarded, lostByGroup, ...rest]: [...StepReply, ...Rest]): [
    number,
    ...Rest
  ] {
    this.removed += removed
    this.#lost += lost
    this.#guarded ||= guarded === 1
    for (const [name, count] of lostInStep(lostByGroup)) {
      this.#lostByGroup.set(name, (this.#lostByGroup.get(name) ?? 0) + count)
    }
    return [removed, ...rest]
  }

  result(): TrimResult {
    const lostByGroup = Object.fromEntries(this.#lostByGroup)
    return { removed: this.removed, lost: this.#lost, lostByGroup, guarded: this.#guarded }
  }
}

/** A partitioned group has a cursor for each partition. The one that is behind the others has all that they have not passed. */
function lostInStep(lostByGroup: readonly (string | number)[]): Map<string, number> {
  const lost = new Map<string, number>()
  for (let i = 0; i < lostByGroup.length; i += 2) {
    const name = lostByGroup[i] as string
    const cursor = /^cursor (.*)$/s.exec(name)?.[1]
    const by = (cursor === undefined ? undefined : groupOfCursor(cursor)) ?? name
    lost.set(by, Math.max(lost.get(by) ?? 0, lostByGroup[i + 1] as number))
  }
  return lost
}
