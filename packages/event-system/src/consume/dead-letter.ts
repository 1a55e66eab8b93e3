import type { Delivery, NewDeadLetter } from '../log/index.ts'

/** What is kept of an entry that is given up. Its `attempts` are those of a handler: an entry that nobody could handle may have been handed out more often. */
export function deadLetterOf(
  { messageId, payload, raw, attempt }: Delivery,
  consumer: string,
  kind: NewDeadLetter['kind'],
  error: unknown,
  maxAttempts: number
): NewDeadLetter {
  return {
    messageId,
    consumer,
    payload,
    ...(raw === undefined ? {} : { raw }),
    kind,
    reason: error instanceof Error ? error.message : String(error),
    ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
    attempts: Math.min(attempt, maxAttempts)
  }
}
