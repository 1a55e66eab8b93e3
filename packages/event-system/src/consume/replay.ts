import { EventSystemError, type StoredEvent } from '@tradpal/events'
import { type Logger, runAsCause } from '../runtime/index.ts'
import type { HandlerContext } from './context.ts'
import type { Registration } from './handlers.ts'

/** Runs handlers over an event of the past. The first error is the caller's. What they publish has the event as its cause, as ever. */
export async function replayTo(
  event: StoredEvent,
  registrations: readonly Registration[],
  logger: Logger
): Promise<void> {
  for (const { handler, name } of registrations) {
    const context = replayContext(event, name, logger)
    await runAsCause(event, () => handler(event, context))
  }
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
