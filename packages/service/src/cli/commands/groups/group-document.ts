import type * as Api from '@tradpal/event-api'
import type { GroupInfo, PullSettings } from '@tradpal/event-client'
import { counted } from '@tradpal/events'

/** How a consumer group stands, for machines: as the service answers. */
export function groupDocument(group: GroupInfo): Api.GroupInfo {
  const { name, partitions, consumers, pending, retrying, oldestPendingMs, lag, lagMs, lastDelivered, pulled } = group
  return {
    name,
    partitions,
    members: consumers.map(({ name, pending, idleMs, partitions }) => ({
      name,
      pending,
      idle_ms: Math.round(idleMs),
      partitions: [...partitions]
    })),
    pending,
    retrying,
    oldest_pending_seconds: oldestPendingMs === null ? null : oldestPendingMs / 1_000,
    lag,
    lag_seconds: lagMs === null ? null : lagMs / 1_000,
    last_delivered_id: lastDelivered,
    pulled: pulled === null ? null : pulledDocument(pulled)
  }
}

/** How it is pulled, for machines. */
export function pulledDocument({ eventTypes, maxAttempts }: PullSettings): Api.PullSettings {
  return { event_types: eventTypes === null ? null : [...eventTypes], max_attempts: maxAttempts }
}

/** How it is pulled, for people. */
export function pulledText({ eventTypes, maxAttempts }: PullSettings): string {
  const types = eventTypes === null ? 'all event types' : eventTypes.join(', ')
  return `${types}; after ${counted(maxAttempts, 'failure')} an event is a dead letter`
}
