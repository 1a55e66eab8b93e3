import { type StoredEvent, timestampMs } from '@tradpal/events'
import { storedEvent } from './events.ts'
import { listOf, numberOf, numberOrNull, numbersOf, partsOf, textOf, textOrNull, textsOf } from './parts.ts'

/** How a consumer group stands. */
export interface GroupInfo {
  readonly name: string
  /** Into how many shards it is cut by key; `null` when it shares event by event. */
  readonly shards: number | null
  readonly consumers: readonly GroupMember[]
  /** Handed out and not yet acknowledged. */
  readonly pending: number
  /** Of those pending, how many have failed and wait to be tried again. */
  readonly retrying: number
  /** The age of the oldest pending event, in ms. `null` with none. */
  readonly oldestPendingMs: number | null
  readonly lastDeliveredId: string
  /** Events not yet handed out. `null` where the log cannot tell. */
  readonly lag: number | null
  /** The age of the oldest of those, in ms. 0 with none. */
  readonly lagMs: number
}

export interface GroupMember {
  readonly name: string
  /** Handed out to it and not yet acknowledged. */
  readonly pending: number
  /** Since it last read, claimed or renewed, in ms. */
  readonly idleMs: number
  /** Those it holds, of a group that is ordered by key. */
  readonly shards: readonly number[]
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
  const oldestSeconds = numberOrNull(value, 'oldest_pending_seconds')
  return {
    name: textOf(value, 'name'),
    shards: numberOrNull(value, 'shards'),
    consumers: listOf(value, 'members').map((member) => ({
      name: textOf(member, 'name'),
      pending: numberOf(member, 'pending'),
      idleMs: numberOf(member, 'idle_ms'),
      shards: numbersOf(member, 'shards')
    })),
    pending: numberOf(value, 'pending'),
    retrying: numberOf(value, 'retrying'),
    oldestPendingMs: oldestSeconds === null ? null : Math.round(oldestSeconds * 1_000),
    lastDeliveredId: textOf(value, 'last_delivered_id'),
    lag: numberOrNull(value, 'lag'),
    lagMs: Math.round(numberOf(value, 'lag_seconds') * 1_000)
  }
}

export function pendingEventsOf(body: unknown): PendingEvent[] {
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
