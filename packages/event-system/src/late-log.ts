import { type Clock, EventSystemError } from '@tradpal/events'
import type { EventLog } from './log/index.ts'
import type { Logger } from './runtime/index.ts'

/** The log is tried again at first after so long, and at the latest, in ms. */
const FIRST_MS = 100
const LONGEST_MS = 1_000

export interface LateLogParts {
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  /** Nobody waits for it any more. */
  readonly isOver: () => boolean
}

/** Whether a log that could not be opened may be there later. */
export function mayComeLater(error: unknown): boolean {
  return error instanceof EventSystemError && error.retryable
}

/** Opens a log that was away at the start, when it is there. */
export async function openWhenThere({ log, clock, logger, isOver }: LateLogParts, reason: unknown): Promise<void> {
  logger.error({ err: reason }, 'the log is away: publishes go into the spool until it is there')
  let isTold = false
  for (let attempt = 1; !isOver(); attempt++) {
    await clock.sleep(Math.min(LONGEST_MS, FIRST_MS * attempt))
    try {
      await log.start()
      logger.info({}, 'the log is there')
      return
    } catch (error) {
      if (!isTold && !mayComeLater(error)) logger.error({ err: error }, 'the log is there and cannot be opened')
      isTold ||= !mayComeLater(error)
    }
  }
}
