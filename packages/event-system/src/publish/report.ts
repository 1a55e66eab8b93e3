import type { AppendEntry, AppendResult, EventLog } from '../log/index.ts'
import { diagnostics, type PublishedMessage } from '../runtime/index.ts'

/** Tells who listens what an append took. `started` is by `performance.now()`. */
export function reportPublished(
  log: EventLog,
  entries: readonly AppendEntry[],
  results: readonly AppendResult[],
  started: number
): void {
  if (!diagnostics.published.hasSubscribers) return
  const byType = new Map<string, number>()
  let duplicates = 0
  for (const [i, { duplicate }] of results.entries()) {
    const type = (entries[i] as AppendEntry).eventType
    if (duplicate) duplicates++
    else byType.set(type, (byType.get(type) ?? 0) + 1)
  }
  const durationMs = performance.now() - started
  diagnostics.published.publish({ log, byType, duplicates, durationMs } satisfies PublishedMessage)
}
