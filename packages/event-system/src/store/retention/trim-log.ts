import type { EventLog, TrimOptions, TrimResult, TrimTarget } from '../../log/index.ts'
import type { RetentionLimits } from './policy.ts'

/** Adds up what several steps removed. */
export class TrimSum {
  #removed = 0
  #lost = 0
  #guarded = false
  readonly #lostByGroup: Record<string, number> = {}

  add({ removed, lost, lostByGroup, guarded }: TrimResult): void {
    this.#removed += removed
    this.#lost += lost
    this.#guarded ||= guarded
    for (const [group, count] of Object.entries(lostByGroup)) {
      this.#lostByGroup[group] = (this.#lostByGroup[group] ?? 0) + count
    }
  }

  get result(): TrimResult {
    return { removed: this.#removed, lost: this.#lost, lostByGroup: this.#lostByGroup, guarded: this.#guarded }
  }
}

/** Trims a log to its limits, of which all types share the room. */
export async function trimLog(
  log: EventLog,
  { maxAgeMs, maxLength, maxBytes }: RetentionLimits,
  { now, ...options }: TrimOptions & { readonly now: number }
): Promise<TrimResult> {
  const targets: TrimTarget[] = [
    ...(maxAgeMs === undefined ? [] : [{ before: Math.max(0, now - maxAgeMs) }]),
    ...(maxLength === undefined ? [] : [{ maxLength }]),
    ...(maxBytes === undefined ? [] : [{ maxBytes }])
  ]
  const sum = new TrimSum()
  let furthest = sum.result
  for (const target of targets) {
    const result = await log.trim(target, options)
    sum.add(result)
    // What a dry run of each would remove begins at the same first event.
    if (result.removed >= furthest.removed) furthest = result
  }
  return options.dryRun ? furthest : sum.result
}
