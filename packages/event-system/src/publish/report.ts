import type { AppendEntry, AppendResult, Storage } from '../log/index.ts'
import { diagnostics, type PublishedMessage } from '../runtime/index.ts'

/** Tells who listens what an append took. `at`: where the results of these entries begin. `started` is by `performance.now()`. */
export function reportPublished(
  storage: Storage,
  entries: readonly AppendEntry[],
  { results, at }: { readonly results: readonly AppendResult[]; readonly at: number },
  started: number
): void {
  if (!diagnostics.published.hasSubscribers) return
  const byType = new Map<string, number>()
  let duplicates = 0
  for (const [i, { eventType }] of entries.entries()) {
    if (results[at + i]?.duplicate) duplicates++
    else byType.set(eventType, (byType.get(eventType) ?? 0) + 1)
  }
  const durationMs = performance.now() - started
  diagnostics.published.publish({ storage, byType, duplicates, durationMs } satisfies PublishedMessage)
}
