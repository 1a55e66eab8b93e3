import { type Event, EventSystemError, isKnownEventType, type StoredEvent, validateData } from '@tradpal/events'
import { type Logger, runAsCause } from '../runtime/index.ts'
import type { HandlerContext, Registration } from './handlers.ts'
import type { Held } from './in-hand.ts'

/** `poison`: what the event carries is not what its type promises, so that no handler may see it. */
export type HandlingOutcome = { kind: 'done' } | { kind: 'failed' | 'poison'; error: unknown }

interface Member {
  readonly group: string
  readonly consumer: string
  readonly logger: Logger
}

/** Runs the handlers that are not done with this event yet, one after another; one that fails does not keep the others from theirs. */
export async function runHandlers(
  event: Event,
  held: Held,
  registrations: readonly Registration[],
  member: Member
): Promise<HandlingOutcome> {
  const { messageId, attempt } = held.delivery
  try {
    if (isKnownEventType(event.eventType)) validateData(event.eventType, event.data)
  } catch (error) {
    return { kind: 'poison', error }
  }
  const context: HandlerContext = {
    messageId,
    group: member.group,
    consumer: member.consumer,
    attempt,
    signal: held.abort.signal,
    get logger() {
      return member.logger.child({ messageId, eventId: event.eventId, eventType: event.eventType })
    }
  }
  const stored = { ...event, messageId }
  const errors: unknown[] = []
  for (const registration of registrations) {
    if (held.done.has(registration)) continue
    try {
      await runAsCause(event, () => registration.handler(stored, context))
      held.done.add(registration)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 0) return { kind: 'done' }
  return { kind: 'failed', error: errors.length === 1 ? errors[0] : severalFailed(errors) }
}

/** Runs handlers over an event of the past. The first error is the caller's. What they publish has the event as its cause, as ever. */
export async function replayTo(
  event: StoredEvent,
  registrations: readonly Registration[],
  logger: Logger
): Promise<void> {
  const { messageId, eventId, eventType } = event
  const context: HandlerContext = {
    messageId,
    group: 'replay',
    consumer: 'replay',
    attempt: 1,
    signal: new AbortController().signal,
    logger: logger.child({ messageId, eventId, eventType, replay: true })
  }
  for (const { handler } of registrations) await runAsCause(event, () => handler(event, context))
}

function severalFailed(errors: readonly unknown[]): EventSystemError {
  const sentences = errors.map((error) => (error instanceof Error ? error.message : String(error)))
  return new EventSystemError('handler_failed', `${errors.length} handlers failed: ${sentences.join('; ')}`, {
    cause: new AggregateError(errors)
  })
}
