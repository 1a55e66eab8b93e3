import { EventSystemError } from './errors.ts'

/**
 * Thrown by a handler: not now, but after `delayMs`. It is no failure: it counts for none of `maxAttempts`, and the event
 * may be put off as often as its handlers like. In a group that is ordered by key, what has the same key waits with it.
 */
export class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly delayMs: number

  /** Throws `invalid_argument` for a delay that is no number of ms from 0 on. */
  constructor(delayMs: number, reason = `to be tried again in ${delayMs} ms`) {
    super(reason)
    if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY)) {
      throw new EventSystemError('invalid_argument', `RetryLater takes a delay of 0 ms or more, got ${delayMs}.`)
    }
    this.delayMs = delayMs
  }
}

/** Thrown by a handler: trying again cannot help. The event goes to the dead letters at once, with this reason. */
export class Reject extends Error {
  override readonly name = 'Reject'
}

/**
 * What a handler asked for by throwing. `later`: another attempt after `delayMs`, and no failure is counted. `rejected`: no other
 * attempt. `failed`: another attempt after a backoff, until the attempts are used up.
 */
export type HandlerVerdict =
  | { readonly kind: 'later'; readonly delayMs: number }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'failed' }

/** The meaning of what a handler threw. */
export function verdictOf(error: unknown): HandlerVerdict {
  if (error instanceof RetryLater) return { kind: 'later', delayMs: error.delayMs }
  return { kind: error instanceof Reject ? 'rejected' : 'failed' }
}
