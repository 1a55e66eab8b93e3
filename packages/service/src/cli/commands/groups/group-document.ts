import type { GroupInfo } from '@tradpal/event-client'

/** How a consumer group stands, for machines: as the service answers. */
export function groupDocument({ consumers, oldestPendingMs, lagMs, lastDeliveredId, ...info }: GroupInfo) {
  return {
    ...info,
    members: consumers.map(({ idleMs, ...member }) => ({ ...member, idle_ms: Math.round(idleMs) })),
    lag_seconds: lagMs / 1_000,
    oldest_pending_seconds: oldestPendingMs === null ? null : oldestPendingMs / 1_000,
    last_delivered_id: lastDeliveredId
  }
}
