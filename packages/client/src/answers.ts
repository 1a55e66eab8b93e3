import { EventSystemError, fromWire, type StoredEvent, timestampMs } from '@tradpal/events'
import type { JsonParts } from './json-object.ts'

/**
 * The service's answers, snake_case, to the client's results, camelCase. What lacks a part is refused with `http_error`
 * and the name of the part, so that a wrong service is told from a wrong caller.
 */

/** What became of a publish. */
export interface PublishReceipt {
  readonly messageId: string
  readonly eventId: string
  /** True when this event id was published before, as far back as deduplication looks: the message id is the first one's. */
  readonly duplicate: boolean
}

/** One failure of an event's handling. */
export interface HandlingError {
  readonly message: string
  readonly stack?: string
  /** When, ms since the epoch. */
  readonly at: number
}

/** An entry that a consumer group gave up on. */
export interface DeadLetter {
  /** The letter's own id. */
  readonly id: string
  readonly messageId: string
  readonly group: string
  readonly consumer: string
  /** The handler that gave up, by its name; `null` when none saw the entry. */
  readonly handler: string | null
  /** `null` when the entry is no valid event. */
  readonly eventType: string | null
  /** Why: `poison` (it is no valid event), `rejected` (a handler said so) or `exhausted` (every attempt failed). */
  readonly kind: 'poison' | 'rejected' | 'exhausted'
  /** How often the handler was tried. */
  readonly attempts: number
  readonly firstError: HandlingError
  readonly lastError: HandlingError
  /** When it was put there, ms since the epoch. */
  readonly deadAt: number
  /** The entry's text as it stands in the log, or `null` when it has none. */
  readonly payload: string | null
  /** With a `null` payload: what the entry holds instead. */
  readonly raw?: Readonly<Record<string, string>>
}

/** What an operator did to a dead letter. */
export interface DeadLetterAction {
  readonly id: string
  /** When, ms since the epoch. */
  readonly at: number
  readonly action: 'requeue' | 'discard'
  readonly by: string
  /** Why it was discarded. */
  readonly reason?: string
  /** Whether the group got the event with other data. */
  readonly amended: boolean
  /** The letter as it was. */
  readonly letter: DeadLetter
}

/** What came of putting back all letters that match. */
export interface RequeueResult {
  /** How many matched when it began. */
  readonly matched: number
  readonly requeued: number
  /** Of those that matched, how many this call did not try. */
  readonly remaining: number
  /** Those that could not be put back, and why. */
  readonly failed: readonly { readonly id: string; readonly code: string }[]
  /** With the same filter and options, over them, the next call goes on with what remains. Undefined when nothing does. */
  readonly next?: RequeueNext
}

export interface RequeueNext {
  /** Of the filter, ms since the epoch: letters that came since are not among those. */
  readonly until: number
  /** Of the options. */
  readonly expected: number
  readonly after?: string
}

/** Where an event comes from and what came of it. */
export interface Lineage {
  readonly event: StoredEvent
  /** Its cause, that one's cause, and so on: the first cause first. */
  readonly causes: readonly StoredEvent[]
  /** What followed from it, in log order. */
  readonly effects: readonly StoredEvent[]
  /** False when the service's search ended at its bound, or a cause is no longer in the log. */
  readonly complete: boolean
}

/** How the log stands, with the wire's own keys. */
export interface EventStats {
  readonly stream_length: number
  /** The message ids of the oldest and the newest entry; null when the log is empty. */
  readonly first_entry: string | null
  readonly last_entry: string | null
  /** When the log took them, RFC 3339. */
  readonly first_entry_at: string | null
  readonly last_entry_at: string | null
  readonly consumer_groups: number
  readonly groups: readonly {
    readonly name: string
    readonly consumers: number
    /** Handed out and not yet acknowledged. */
    readonly pending: number
    readonly 'last-delivered-id': string
    /** Not yet handed out; null where the log cannot tell. */
    readonly lag: number | null
    readonly [key: string]: unknown
  }[]
  readonly dead_letters: number
  /** Event ids that deduplication knows. */
  readonly deduplication_entries: number
  /** What the log takes, about. */
  readonly bytes: number
  /** `sqlite` or `redis`, and where it is. */
  readonly log: string
  readonly location: string
  readonly [key: string]: unknown
}

/** How the service is, with the wire's own keys. */
export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  readonly timestamp: string
  readonly service: string
  readonly version: string
  readonly uptime_seconds: number
  readonly log: {
    readonly kind: string
    readonly location: string
    readonly reachable: boolean
    /** How long it took to answer. */
    readonly latency_ms: number | null
    /** Why it is not reachable. */
    readonly reason?: string
  }
  /** Consumers inside the service. */
  readonly consumers: number
  /** Readers of the live stream. */
  readonly open_streams: number
  readonly [key: string]: unknown
}

export function storedEvent(value: unknown): StoredEvent {
  const messageId = textOf(value, 'message_id')
  // The service has checked it, and may know types that this process does not.
  return { ...fromWire(value, { validate: 'envelope' }), messageId }
}

/** {@link storedEvent} of a stream, of which the error says where in it. */
export function eventFrom(call: string, body: JsonParts): StoredEvent {
  try {
    return storedEvent(body)
  } catch (cause) {
    if (!(cause instanceof EventSystemError)) throw cause
    const sentence = `The event ${String(body.message_id)} from ${call} cannot be read: ${cause.message}`
    throw new EventSystemError(cause.code, sentence, { cause })
  }
}

export function storedEvents(body: unknown): StoredEvent[] {
  return listOf(body, 'events').map(storedEvent)
}

export function receiptOf(body: unknown): PublishReceipt {
  return {
    messageId: textOf(body, 'message_id'),
    eventId: textOf(body, 'event_id'),
    duplicate: partsOf(body).duplicate === true
  }
}

export function messageIdsOf(body: unknown, count: number): string[] {
  const ids = textsOf(body, 'message_ids')
  if (ids.length === count) return ids
  throw lacking(`message_ids has ${ids.length} ids for ${count} events.`)
}

export function eventTypesOf(body: unknown): string[] {
  return textsOf(body, 'event_types')
}

/** The JSON Schema of what each type carries, by its name. */
export function eventSchemasOf(body: unknown): Record<string, object> {
  const schemas = partsOf(partsOf(body).schemas)
  if (Object.values(schemas).every((schema) => typeof schema === 'object' && schema !== null)) {
    return schemas as Record<string, object>
  }
  throw lacking('schemas holds something other than JSON Schemas.')
}

export function replayedCountOf(body: unknown): number {
  return numberOf(body, 'events_replayed')
}

export function lineageOf(body: unknown): Lineage {
  return {
    event: storedEvent(partsOf(body).event),
    causes: listOf(body, 'causes').map(storedEvent),
    effects: listOf(body, 'effects').map(storedEvent),
    complete: partsOf(body).complete === true
  }
}

export function eventStatsOf(body: unknown): EventStats {
  numberOf(body, 'stream_length')
  listOf(body, 'groups')
  return body as EventStats
}

export function isHealthReport(body: unknown): body is HealthReport {
  const status = typeof body === 'object' && body !== null ? (body as JsonParts).status : undefined
  return status === 'healthy' || status === 'degraded' || status === 'unhealthy'
}

export function deadLettersOf(body: unknown): DeadLetter[] {
  return listOf(body, 'dead_letters').map(deadLetterOf)
}

export function deadLetterOf(value: unknown): DeadLetter {
  const { payload, raw } = partsOf(value)
  return {
    id: textOf(value, 'id'),
    messageId: textOf(value, 'message_id'),
    group: textOf(value, 'group'),
    consumer: textOf(value, 'consumer'),
    handler: textOrNull(value, 'handler'),
    eventType: textOrNull(value, 'event_type'),
    kind: textOf(value, 'kind') as DeadLetter['kind'],
    attempts: numberOf(value, 'attempts'),
    firstError: handlingErrorOf(partsOf(value).first_error),
    lastError: handlingErrorOf(partsOf(value).last_error),
    deadAt: timestampMs(textOf(value, 'dead_at')),
    payload: payload === null ? null : textOf(value, 'payload'),
    ...(typeof raw === 'object' && raw !== null && { raw: raw as Record<string, string> })
  }
}

export function deadLetterCountOf(body: unknown): number {
  return numberOf(body, 'total')
}

export function deadLetterActionsOf(body: unknown): DeadLetterAction[] {
  return listOf(body, 'actions').map((value) => {
    const { reason, amended, letter } = partsOf(value)
    return {
      id: textOf(value, 'id'),
      at: timestampMs(textOf(value, 'at')),
      action: textOf(value, 'action') as DeadLetterAction['action'],
      by: textOf(value, 'by'),
      ...(typeof reason === 'string' && { reason }),
      amended: amended === true,
      letter: deadLetterOf(letter)
    }
  })
}

export function requeueResultOf(body: unknown): RequeueResult {
  return {
    matched: numberOf(body, 'matched'),
    requeued: numberOf(body, 'requeued'),
    remaining: numberOf(body, 'remaining'),
    failed: listOf(body, 'failed').map((one) => ({ id: textOf(one, 'id'), code: textOf(one, 'code') })),
    ...(partsOf(body).next !== undefined && { next: requeueNextOf(partsOf(body).next) })
  }
}

function requeueNextOf(value: unknown): RequeueNext {
  return {
    until: timestampMs(textOf(value, 'until')),
    expected: numberOf(value, 'expected'),
    ...(partsOf(value).after !== undefined && { after: textOf(value, 'after') })
  }
}

function handlingErrorOf(value: unknown): HandlingError {
  const { stack } = partsOf(value)
  return {
    message: textOf(value, 'message'),
    ...(typeof stack === 'string' && { stack }),
    at: timestampMs(textOf(value, 'at'))
  }
}

function partsOf(value: unknown): JsonParts {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonParts
  throw lacking('an object was expected.')
}

function textOf(value: unknown, key: string): string {
  const text = partsOf(value)[key]
  if (typeof text === 'string') return text
  throw lacking(`${key} is missing or no text.`)
}

function textOrNull(value: unknown, key: string): string | null {
  return partsOf(value)[key] === null ? null : textOf(value, key)
}

function numberOf(value: unknown, key: string): number {
  const number = partsOf(value)[key]
  if (typeof number === 'number') return number
  throw lacking(`${key} is missing or no number.`)
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const list = partsOf(value)[key]
  if (Array.isArray(list)) return list
  throw lacking(`${key} is missing or no list.`)
}

function textsOf(value: unknown, key: string): string[] {
  const list = listOf(value, key)
  if (list.every((item) => typeof item === 'string')) return [...list]
  throw lacking(`${key} holds something other than texts.`)
}

function lacking(message: string): EventSystemError {
  return new EventSystemError('http_error', message)
}
