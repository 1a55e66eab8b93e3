import { type Storage, type TrimOptions, type TrimResult, TrimSum, type TrimTarget } from '../../log/index.ts'
import type { RetentionLimits } from './policy.ts'

/** Trims a log to its limits, of which all types share the room. */
export async function trimLog(
  storage: Storage,
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
    const result = await storage.log.trim(target, options)
    sum.add(result)
    // What a dry run of each would remove begins at the same first event.
    if (result.removed >= furthest.removed) furthest = result
  }
  return options.dryRun ? furthest : sum.result
}
