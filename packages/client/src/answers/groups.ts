import type * as Api from '@tradpal/event-api'
import type { PendingEvent, PullSettings, StoredEvent } from '@tradpal/events'
import { storedEvent } from './events.ts'
import { field, list, number, orNull, reader, text, time } from './reading.ts'

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

/** An event that was handed out to the caller, until its lease ends. */
export interface Delivery {
  readonly deliveryId: string
  /** How many times it was handed out, this time included. */
  readonly attempt: number
  readonly event: StoredEvent
}

/** The parts that have other names or units in the document. */
interface GroupDocument extends Omit<GroupInfo, 'consumers' | 'lagMs' | 'lastDelivered' | 'oldestPendingMs'> {
  readonly members: readonly GroupMember[]
  readonly lagSeconds: number | null
  readonly lastDeliveredId: string | null
  readonly oldestPendingSeconds: number | null
}

const settingsOf = reader<Api.PullSettings, PullSettings>({
  event_types: orNull(list(text<string>)),
  max_attempts: number
})
const memberOf = reader<Api.GroupMember, GroupMember>({
  name: text,
  pending: orNull(number),
  idle_ms: number,
  partitions: list(number)
})
const documentOf = reader<Api.GroupInfo, GroupDocument>({
  name: text,
  partitions: orNull(number),
  members: list(memberOf),
  lag: orNull(number),
  lag_seconds: orNull(number),
  pending: orNull(number),
  retrying: orNull(number),
  oldest_pending_seconds: orNull(number),
  last_delivered_id: orNull(text),
  pulled: orNull(settingsOf)
})

export function groupOf(value: unknown): GroupInfo {
  const { members, lagSeconds, lastDeliveredId, oldestPendingSeconds, ...group } = documentOf(value)
  return {
    ...group,
    consumers: members,
    lagMs: msOf(lagSeconds),
    lastDelivered: lastDeliveredId,
    oldestPendingMs: msOf(oldestPendingSeconds)
  }
}

export const groupsOf = field<Api.GroupList, GroupInfo[]>('groups', list(groupOf))

/** The answer to a change of how a group is pulled. */
export const pullSettingsOf = field<Api.PullSettingsChanged, PullSettings>('pulled', settingsOf)

const pendingEventOf = reader<Api.PendingEvent, PendingEvent>({
  message_id: text,
  at: time,
  consumer: text,
  idle_ms: number,
  deliveries: number,
  failures: number,
  last_error: orNull(text),
  due_at: orNull(time)
})
/** Null when the service does not show them to the caller. */
export const pendingEventsOf = field<Api.GroupDetails, PendingEvent[] | null>(
  'pending_events',
  orNull(list(pendingEventOf))
)

const deliveryOf = reader<Api.Delivery, Delivery>({ delivery_id: text, attempt: number, event: storedEvent })
export const deliveriesOf = field<Api.PullResult, Delivery[]>('deliveries', list(deliveryOf))

/** The ids of deliveries that were not the caller's any more. */
export const lostOf = field<Api.AckResult | Api.ExtendResult | Api.NackResult, string[]>('lost', list(text<string>))

function msOf(seconds: number | null): number | null {
  return seconds === null ? null : Math.round(seconds * 1_000)
}
