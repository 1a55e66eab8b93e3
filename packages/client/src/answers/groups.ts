import { type StoredEvent, timestampMs } from '@tradpal/events'
import { storedEvent } from './events.ts'
import { listOf, numberOf, numberOrNull, numbersOf, partsOf, textOf, textOrNull, textsOf } from './parts.ts'

/** How a consumer group stands. To a caller that may not see its figures, each of them is `null`. */
export interface GroupInfo {
  readonly name: string
  /** The number of partitions into which it is cut by key; `null` when it shares event by event. */
  readonly partitions: number | null
  readonly consumers: readonly GroupMember[]
  /** Handed out and not yet acknowledged. */
  readonly pending: number | null
  /** Of those pending, how many have failed and wait to be tried again. */
  readonly retrying: number | null
  /** The age of the oldest pending event, in ms. `null` with none. */
  readonly oldestPendingMs: number | null
  readonly lastDelivered: string | null
  /** Events not yet handed out. `null` where the log cannot tell. */
  readonly lag: number | null
  /** The age of the oldest of those, in ms. 0 with none. */
  readonly lagMs: number | null
  /** How it is pulled. `null` for a group that nobody has pulled from. */
  readonly pulled: PullSettings | null
}

export interface GroupMember {
  readonly name: string
  /** Handed out to it and not yet acknowledged. `null` to a caller that may not see the figures of the group. */
  readonly pending: number | null
  /** Since it last read, claimed or renewed, in ms. */
  readonly idleMs: number
  /** The partitions that it owns, of a group that is ordered by key. */
  readonly partitions: readonly number[]
}

/** How a group is pulled: the same for all who pull from it. */
export interface PullSettings {
  /** The event types that are delivered; the group acknowledges the others. `null`: all types are. */
  readonly eventTypes: readonly string[] | null
  /** An event that failed this often goes to the dead letters. */
  readonly maxAttempts: number
}

/** An event that was handed out and not yet acknowledged. */
export interface PendingEvent {
  readonly messageId: string
  /** When the log took it, ms since the epoch. */
  readonly at: number
  /** Who has it; empty when nobody does. */
  readonly consumer: string
  /** Since it was handed out or extended, in ms. */
  readonly idleMs: number
  /** How many times it was handed out. */
  readonly deliveries: number
  /** How often its handlers have failed. */
  readonly failures: number
  /** What they failed with last. `null` when none has. */
  readonly lastError: string | null
  /** When it is tried again, ms since the epoch. `null` when it does not wait for that. */
  readonly dueAt: number | null
}

/** An event that was handed out to the caller, until its lease ends. */
export interface Delivery {
  readonly deliveryId: string
  /** How many times it was handed out, this time included. */
  readonly attempt: number
  readonly event: StoredEvent
}

export function groupsOf(body: unknown): GroupInfo[] {
  return listOf(body, 'groups').map(groupOf)
}

export function groupOf(value: unknown): GroupInfo {
  const [oldestSeconds, lagSeconds] = [
    numberOrNull(value, 'oldest_pending_seconds'),
    numberOrNull(value, 'lag_seconds')
  ]
  const { pulled } = partsOf(value)
  return {
    name: textOf(value, 'name'),
    partitions: numberOrNull(value, 'partitions'),
    consumers: listOf(value, 'members').map((member) => ({
      name: textOf(member, 'name'),
      pending: numberOrNull(member, 'pending'),
      idleMs: numberOf(member, 'idle_ms'),
      partitions: numbersOf(member, 'partitions')
    })),
    pending: numberOrNull(value, 'pending'),
    retrying: numberOrNull(value, 'retrying'),
    oldestPendingMs: oldestSeconds === null ? null : Math.round(oldestSeconds * 1_000),
    lastDelivered: textOrNull(value, 'last_delivered_id'),
    lag: numberOrNull(value, 'lag'),
    lagMs: lagSeconds === null ? null : Math.round(lagSeconds * 1_000),
    pulled: pulled === undefined || pulled === null ? null : settingsOf(pulled)
  }
}

/** The answer to a change of how a group is pulled. */
export function pullSettingsOf(body: unknown): PullSettings {
  return settingsOf(partsOf(body).pulled)
}

function settingsOf(value: unknown): PullSettings {
  return {
    eventTypes: partsOf(value).event_types === null ? null : textsOf(value, 'event_types'),
    maxAttempts: numberOf(value, 'max_attempts')
  }
}

/** Null when the service does not show them to the caller. */
export function pendingEventsOf(body: unknown): PendingEvent[] | null {
  if (partsOf(body).pending_events === null) return null
  return listOf(body, 'pending_events').map((value) => {
    const dueAt = textOrNull(value, 'due_at')
    return {
      messageId: textOf(value, 'message_id'),
      at: timestampMs(textOf(value, 'at')),
      consumer: textOf(value, 'consumer'),
      idleMs: numberOf(value, 'idle_ms'),
      deliveries: numberOf(value, 'deliveries'),
      failures: numberOf(value, 'failures'),
      lastError: textOrNull(value, 'last_error'),
      dueAt: dueAt === null ? null : timestampMs(dueAt)
    }
  })
}

export function deliveriesOf(body: unknown): Delivery[] {
  return listOf(body, 'deliveries').map((value) => ({
    deliveryId: textOf(value, 'delivery_id'),
    attempt: numberOf(value, 'attempt'),
    event: storedEvent(partsOf(value).event)
  }))
}

/** The ids of deliveries that were not the caller's any more. */
export function lostOf(body: unknown): string[] {
  return textsOf(body, 'lost')
}
