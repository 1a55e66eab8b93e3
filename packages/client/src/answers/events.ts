import type * as Api from '@tradpal/event-api'
import {
  AS_STORED,
  EventSystemError,
  fromWire,
  type Lineage,
  type PublishReceipt,
  type StoredEvent
} from '@tradpal/events'
import type { JsonParts } from '../json-object.ts'
import type { EventPage } from '../query.ts'
import { boolean, field, lacking, list, mark, number, object, optional, reader, text } from './reading.ts'

const messageIdOf = field<Api.StoredEvent, string>('message_id', text)

export function storedEvent(value: unknown): StoredEvent {
  const messageId = messageIdOf(value)
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

export const storedEvents = field<Api.EventPage, StoredEvent[]>('events', list(storedEvent))
export const storedPage = reader<Api.EventPage, EventPage>({
  events: list(storedEvent),
  position: text,
  hint: optional(text)
})

/** A page of a stream key: its events, and where the next page begins, if there is one. */
export interface StreamPage {
  readonly events: readonly { readonly event: StoredEvent; readonly version: number }[]
  readonly nextVersion?: number
}

const versionOfEvent = field<Api.StreamEvent, number>('version', number)
export const streamPageOf = reader<Api.StreamEventPage, StreamPage>({
  events: list((value) => ({ event: storedEvent(value), version: versionOfEvent(value) })),
  next_version: optional(number)
})

const isSpooled = field<Api.PublishReceipt | Api.SpoolReceipt, boolean>('status', (status) => status === 'spooled')
const spoolIdOf = field<Api.SpoolReceipt | Api.BatchSpoolReceipt, string>('spool_id', text)
const spooledEventIdOf = field<Api.SpoolReceipt, string>('event_id', text)
const publishedOf = reader<Api.PublishReceipt, Omit<PublishReceipt, 'status'>>({
  message_id: text,
  event_id: text,
  duplicate: (value) => value === true,
  version: optional(number),
  timestamp_ahead: mark
})

export function receiptOf(body: unknown): PublishReceipt {
  if (!isSpooled(body)) return { status: 'published', ...publishedOf(body) }
  return { status: 'spooled', messageId: spoolIdOf(body), eventId: spooledEventIdOf(body), duplicate: false }
}

export const versionOf = field<Api.StreamVersion, number>('version', number)

const batchOf = reader<Api.BatchReceipt, { readonly messageIds: readonly string[]; readonly duplicates?: number[] }>({
  message_ids: list(text<string>),
  duplicates: optional(list(number))
})

/** A batch has one status: what is spooled has one place, and whether it is a duplicate nobody knows yet. */
export function receiptsOf(body: unknown, eventIds: readonly string[]): PublishReceipt[] {
  if (isSpooled(body)) {
    const messageId = spoolIdOf(body)
    return eventIds.map((eventId) => ({ status: 'spooled', messageId, eventId, duplicate: false }))
  }
  const { messageIds, duplicates } = batchOf(body)
  if (messageIds.length !== eventIds.length) {
    throw lacking(`message_ids has ${messageIds.length} ids for ${eventIds.length} events.`)
  }
  const repeated = new Set(duplicates)
  return eventIds.map((eventId, i) => {
    return { status: 'published', messageId: messageIds[i] as string, eventId, duplicate: repeated.has(i) }
  })
}

export const eventTypesOf = field<Api.EventTypes, string[]>('event_types', list(text<string>))

/** The JSON Schema of what each type carries, by its name. */
export const eventSchemasOf = field<Api.EventTypes, Record<string, object>>('schemas', (value, name) => {
  const schemas = object<Record<string, object>>(value, name)
  for (const [type, schema] of Object.entries(schemas)) object(schema, `the schema of ${type}`)
  return schemas
})

export const replayedCountOf = field<Api.ReplayReport, number>('events_replayed', number)

/** `answer` makes each event what the caller asked for. */
export function lineageOf<E>(body: unknown, answer: (event: StoredEvent) => E): Lineage<E> {
  const read = (event: unknown) => answer(storedEvent(event))
  return reader<Api.Lineage, Lineage<E>>({ event: read, causes: list(read), effects: list(read), complete: boolean })(
    body
  )
}
