import type { SpoolState } from '@tradpal/event-api'
import type { SpoolStats } from '@tradpal/event-system'

export function spoolOf(stats: SpoolStats): SpoolState {
  const { location, events, bytes, maxBytes, oldestMs, spooled, drained, refused } = stats
  const oldestSeconds = oldestMs === null ? null : Math.round(oldestMs / 100) / 10
  return { location, events, bytes, max_bytes: maxBytes, oldest_seconds: oldestSeconds, spooled, drained, refused }
}
