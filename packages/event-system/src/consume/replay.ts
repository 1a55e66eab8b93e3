import { type DataFault, EventSystemError, type StoredEvent, tryNewestForm } from '@tradpal/events'
import { type Logger, type Occurrences, runAsCause } from '../runtime/index.ts'
import type { HandlerContext } from './context.ts'
import type { Registration } from './handlers.ts'
import { isTyped } from './handling.ts'

/** Receives the handlers that were passed over, and how often. */
export interface ReplayReport {
  readonly logger: Logger
  readonly occurrences: Occurrences
}

/**
 * Runs handlers over an event of the past, as it is stored. Handlers that accept only valid events get its newest form, and
 * are passed over, with a warning, where it has none: a replay has no dead letters. The first error is the caller's. What
 * they publish has the event as its cause.
 */
export async function replayTo(
  stored: StoredEvent,
  registrations: readonly Registration[],
  report: ReplayReport
): Promise<void> {
  const newest = registrations.some(isTyped) ? tryNewestForm(stored) : undefined
  if (newest?.fault !== undefined) warn(stored, newest.fault, report)
  for (const registration of registrations) {
    const event = isTyped(registration) ? newest?.event : stored
    if (event === undefined) continue
    const context = replayContext(event, registration.name, report.logger)
    await runAsCause(event, () => registration.handler(event, context))
  }
}

/** At once, and then once a minute, how many. */
function warn(
  { messageId, eventType }: StoredEvent,
  { message: reason, pointer }: DataFault,
  { logger, occurrences }: ReplayReport
): void {
  const count = occurrences.add(eventType)
  if (count === 0) return
  logger.warn(
    { reason, pointer, messageId, eventType, count },
    'handlers were passed over in a replay: the data are not valid'
  )
}

function replayContext(event: StoredEvent, handler: string, logger: Logger): HandlerContext {
  const { messageId, eventId, eventType } = event
  return {
    messageId,
    group: 'replay',
    consumer: 'replay',
    attempt: 1,
    fencingToken: 0,
    signal: new AbortController().signal,
    logger: logger.child({ messageId, eventId, eventType, handler, replay: true }),
    async extend() {},
    publish() {
      throw inReplay('publish()')
    },
    async once() {
      throw inReplay('once()')
    }
  }
}

function inReplay(call: string): EventSystemError {
  return new EventSystemError(
    'unsupported',
    `A replay belongs to no group, so that ${call} of the context has no meaning in it.`
  )
}
