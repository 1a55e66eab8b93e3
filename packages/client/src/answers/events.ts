import { AS_STORED, EventSystemError, fromWire, type StoredEvent } from '@tradpal/events'
import type { JsonParts } from '../json-object.ts'
import type { EventPage } from '../query.ts'
import { lacking, listOf, numberOf, numbersOf, partsOf, textOf, textsOf } from './parts.ts'

/** What became of a publish. */
export interface PublishReceipt {
  /** `published`: it is in the log. `spooled`: it is on the disk of the service, and comes into the log, in order and once, when that is there again. */
  readonly status: 'published' | 'spooled'
  /** Of a spooled event its place in the spool, `spool:…`, which no log knows. */
  readonly messageId: string
  readonly eventId: string
  /** True when this event id was published before, as far back as deduplication looks: the message id is the first one's. */
  readonly duplicate: boolean
  /** With a `streamKey`: the version of the key since this event, to be expected by the next. Of a duplicate the one that it was given when it was published; none when it had no key then. */
  readonly version?: number
  /** Its timestamp is more than five minutes ahead of the clock of the service. */
  readonly timestampAhead?: true
}

/** Where an event comes from and what came of it. */
export interface Lineage<E = StoredEvent> {
  readonly event: E
  /** Its cause, that one's cause, and so on: the first cause first. */
  readonly causes: readonly E[]
  /** What followed from it, in log order. */
  readonly effects: readonly E[]
  /** False when the service's search ended at its bound, or a cause is no longer in the log. */
  readonly complete: boolean
}

export function storedEvent(value: unknown): StoredEvent {
  const messageId = textOf(value, 'message_id')
  // The service may know types that this process does not.
  return { ...fromWire(value, AS_STORED), messageId }
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

export function storedPage(body: unknown): EventPage {
  return { events: storedEvents(body), position: textOf(body, 'position') }
}

/** A page of a stream key: its events, and where the next page begins, if there is one. */
export interface StreamPage {
  readonly events: readonly { readonly event: StoredEvent; readonly version: number }[]
  readonly nextVersion: number | undefined
}

export function streamPageOf(body: unknown): StreamPage {
  const events = listOf(body, 'events').map((one) => ({ event: storedEvent(one), version: numberOf(one, 'version') }))
  const { next_version } = partsOf(body)
  return { events, nextVersion: next_version === undefined ? undefined : numberOf(body, 'next_version') }
}

export function receiptOf(body: unknown): PublishReceipt {
  const status = isSpooled(body) ? 'spooled' : 'published'
  const { duplicate, version, timestamp_ahead } = partsOf(body)
  return {
    status,
    messageId: textOf(body, status === 'spooled' ? 'spool_id' : 'message_id'),
    eventId: textOf(body, 'event_id'),
    duplicate: duplicate === true,
    ...(version === undefined ? {} : { version: numberOf(body, 'version') }),
    ...(timestamp_ahead === true ? { timestampAhead: true } : {})
  }
}

export function versionOf(body: unknown): number {
  return numberOf(body, 'version')
}

function isSpooled(body: unknown): boolean {
  return partsOf(body).status === 'spooled'
}

function messageIdsOf(body: unknown, count: number): string[] {
  if (isSpooled(body)) return new Array<string>(count).fill(textOf(body, 'spool_id'))
  const ids = textsOf(body, 'message_ids')
  if (ids.length === count) return ids
  throw lacking(`message_ids has ${ids.length} ids for ${count} events.`)
}

/** A batch has one status: what is spooled has one place, and whether it is a duplicate nobody knows yet. */
export function receiptsOf(body: unknown, eventIds: readonly string[]): PublishReceipt[] {
  const messageIds = messageIdsOf(body, eventIds.length)
  const { duplicates } = partsOf(body)
  const repeated = new Set(duplicates === undefined ? [] : numbersOf(body, 'duplicates'))
  const status = isSpooled(body) ? 'spooled' : 'published'
  return eventIds.map((eventId, i) => {
    return { status, messageId: messageIds[i] as string, eventId, duplicate: repeated.has(i) }
  })
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

/** `answer` makes each event what the caller asked for. */
export function lineageOf<E>(body: unknown, answer: (event: StoredEvent) => E): Lineage<E> {
  const read = (event: unknown) => answer(storedEvent(event))
  return {
    event: read(partsOf(body).event),
    causes: listOf(body, 'causes').map(read),
    effects: listOf(body, 'effects').map(read),
    complete: partsOf(body).complete === true
  }
}
