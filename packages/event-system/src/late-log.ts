import { type Clock, isRetryable } from '@tradpal/events'
import type { Storage } from './log/index.ts'
import { type Logger, pause } from './runtime/index.ts'

/** The log is tried again at first after so long, and at the latest, in ms. */
const FIRST_MS = 100
const LONGEST_MS = 1_000

export interface LateLogParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly logger: Logger
  /** Aborted when nobody waits for it any more. */
  readonly stop: AbortSignal
}

/** Opens a log that was away at the start, when it is there. */
export async function openWhenThere({ storage, clock, logger, stop }: LateLogParts, reason: unknown): Promise<void> {
  logger.error({ err: reason }, 'the log is away: publishes go into the spool until it is there')
  let isTold = false
  for (let attempt = 1; await pause(clock, Math.min(LONGEST_MS, FIRST_MS * attempt), stop); attempt++) {
    try {
      await storage.start()
      logger.info({}, 'the log is there')
      return
    } catch (error) {
      if (!isTold && !isRetryable(error)) logger.error({ err: error }, 'the log is there and cannot be opened')
      isTold ||= !isRetryable(error)
    }
  }
}
