import { EventSystemError, type HandlingError } from '@tradpal/events'
import { isEnvelopeText } from './envelope.ts'

/** The error with each of its texts changed. */
export function eachText(error: HandlingError, change: (text: string) => string): HandlingError {
  const { message, stack, pointer } = error
  return {
    ...error,
    message: change(message),
    ...(stack !== undefined && { stack: change(stack) }),
    ...(pointer !== undefined && { pointer: change(pointer) })
  }
}

/** How far one handler is with one event. */
export interface HandlerProgress {
  /** `exhausted`, `rejected` and `invalid`: it will not be tried again, and is why the event is dead. */
  state: 'to-do' | 'done' | 'exhausted' | 'rejected' | 'invalid'
  failures: number
  firstError?: HandlingError
  lastError?: HandlingError
  /** Not to be tried before this time, ms since the epoch. */
  dueAt?: number
}

/** How far the handlers are with an event, by their names, as the note of its pending entry. */
export function toHandlingNote(handlers: Iterable<readonly [string, HandlerProgress]>): string {
  return JSON.stringify({ handlers: Object.fromEntries(handlers) })
}

/**
 * A note that this version cannot read counts for none. Throws `key_missing` for one that could not be opened: without it,
 * handlers that are done would run again.
 */
export function parseHandlingNote(note: string | undefined): Record<string, HandlerProgress> {
  if (note === undefined) return {}
  if (isSealedNote(note)) throw noteSealed()
  try {
    return (JSON.parse(note) as { handlers?: Record<string, HandlerProgress> }).handlers ?? {}
  } catch {
    return {}
  }
}

/** Whether a note could not be opened, for want of its key. */
export function isSealedNote(note: string | undefined): boolean {
  return note !== undefined && isEnvelopeText(note)
}

export function noteSealed(): EventSystemError {
  return new EventSystemError('key_missing', 'How far its handlers are is encrypted with a key that is not here.')
}
