import type { StreamGap } from '@tradpal/event-api'
import {
  type Checkpoint,
  EventSystemError,
  type LogGap,
  type StoredEvent,
  stringifyJson,
  toWire
} from '@tradpal/event-system'

/** An event as the service answers it: the wire form, and its place in the log. */
export function wireOf(event: StoredEvent) {
  return { message_id: event.messageId, ...toWire(event) }
}

/** Routes that answer events: what is in the log goes out as it is, not as a schema would shape it. */
export const asItIs = { serializerCompiler: () => stringifyJson }

/** Also of one that may not be read: that it is there is not told. */
export function noSuchEvent(messageId: string): EventSystemError {
  return new EventSystemError('not_found', `There is no event with the message id ${messageId}.`)
}

export function ndjsonLine(event: StoredEvent): string {
  return `${stringifyJson(wireOf(event))}\n`
}

/** `position`: behind the event, where a reader goes on. */
export function eventFrame(event: StoredEvent, position: Checkpoint): string {
  const wire = wireOf(event)
  return frame(wire.event_type, wire, position)
}

/** As {@link eventFrame}, without a name: `EventSource.onmessage` receives it. */
export function unnamedEventFrame(event: StoredEvent, position: Checkpoint): string {
  return `id: ${position}\ndata: ${stringifyJson(wireOf(event))}\n\n`
}

/** Tells that entries may be missing. It has no id: a reader that resumes before an event arrives is told again. */
export function gapFrame({ after, firstId }: LogGap): string {
  return frame('gap', { asked_id: after, first_id: firstId } satisfies StreamGap)
}

/** One frame of Server-Sent Events. A type that somebody else wrote into the log may hold a line break, which would end the field. */
export function frame(name: string, data: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name.replace(/[\r\n]+/g, ' ')}\ndata: ${stringifyJson(data)}\n\n`
}
