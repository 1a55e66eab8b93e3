import {
  type BackoffOptions,
  backoffMs,
  counted,
  type DataFault,
  EventSystemError,
  type HandlerVerdict,
  verdictOf
} from '@tradpal/events'
import type { HandlerProgress, HandlingError } from '../codec/index.ts'
import type { GivenUp } from './letter.ts'
import { CRASHES_PER_ATTEMPT } from './option-values.ts'
import { bounded, handlingError } from './progress.ts'

/**
 * The one policy for failures, of handlers and of deliveries that are pulled: when a handler is tried again, when it is given up, and
 * what the dead letter says.
 */
export interface FailureLimits {
  readonly maxAttempts: number
  readonly backoff: BackoffOptions
  readonly random: () => number
}

/** How the handling of an event ended. `retry`: some handlers are tried again, the first of them at `dueAt`, ms since the epoch. */
export type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly dueAt: number }
  | { readonly kind: 'dead'; readonly letter: GivenUp }

/** A handler that needs a key that is missing is run again after this time, in ms. */
const KEY_AGAIN_MS = 1_000

/** The meaning of what a handler threw. `retryOn`: whether another attempt may help, as the handler's options say. */
export function failureOf(error: unknown, retryOn?: (error: unknown) => boolean): HandlerVerdict {
  const verdict = verdictOf(error)
  if (verdict.kind !== 'failed') return verdict
  const code = error instanceof EventSystemError ? error.code : undefined
  // The result of a step is sealed with a key that is missing for now: the handler has not failed.
  if (code === 'key_missing') return { kind: 'later', delayMs: KEY_AGAIN_MS }
  // The handler published for a subject that was shredded, and no other attempt will mend that.
  return code === 'shredded' || !mayHelp(retryOn, error) ? { kind: 'rejected' } : verdict
}

/** A `retryOn` that throws has not said that another attempt cannot help. */
function mayHelp(retryOn: ((error: unknown) => boolean) | undefined, error: unknown): boolean {
  try {
    return retryOn?.(error) !== false
  } catch {
    return true
  }
}

/** Notes in the progress of a handler how it failed, and when it is tried again, if it is. */
export function noteFailure(
  progress: HandlerProgress,
  { verdict, error, now }: { readonly verdict: HandlerVerdict; readonly error: unknown; readonly now: number },
  { maxAttempts, backoff, random }: FailureLimits
): void {
  if (verdict.kind === 'later') {
    progress.dueAt = now + verdict.delayMs
    return
  }
  progress.failures++
  progress.lastError = handlingError(error, now)
  progress.firstError ??= progress.lastError
  progress.dueAt = now + backoffMs(progress.failures, backoff, random)
  if (verdict.kind === 'rejected') progress.state = 'rejected'
  else if (progress.failures >= maxAttempts) progress.state = 'exhausted'
}

/** Notes that the data do not fit the newest version of their type: no attempt of the handler can mend that. */
export function noteInvalid(progress: HandlerProgress, fault: DataFault, at: number): void {
  if (progress.state !== 'to-do' && progress.state !== 'invalid') return
  progress.state = 'invalid'
  progress.lastError = { ...fault, at }
  progress.firstError ??= progress.lastError
}

/** The verdict on an event whose handlers are this far. It is not given up before every handler has had its attempts. */
export function verdictOn(handlers: readonly { readonly name: string; readonly progress: HandlerProgress }[]): Verdict {
  const toDo = handlers.filter(({ progress }) => progress.state === 'to-do')
  if (toDo.length > 0) return { kind: 'retry', dueAt: Math.min(...toDo.map(({ progress }) => progress.dueAt ?? 0)) }
  const gaveUp = handlers.filter(({ progress }) => progress.state !== 'done')
  const [first] = gaveUp
  if (first === undefined) return { kind: 'done' }
  const { state, failures } = first.progress
  return {
    kind: 'dead',
    letter: {
      kind: state === 'rejected' || state === 'invalid' ? state : 'exhausted',
      handler: gaveUp.map(({ name }) => name).join(', '),
      attempts: failures,
      firstError: together(gaveUp.map(({ progress }) => progress.firstError)),
      lastError: together(gaveUp.map(({ progress }) => progress.lastError))
    }
  }
}

/** The errors of several handlers as one: the first handler's, with the messages of all. */
function together(errors: readonly (HandlingError | undefined)[]): HandlingError {
  const [first, ...others] = errors.filter((error) => error !== undefined) as [HandlingError, ...HandlingError[]]
  if (others.length === 0) return first
  const sentences = [first, ...others].map(({ message }) => message)
  return { ...first, message: bounded(`${sentences.length} handlers failed: ${sentences.join('; ')}`) }
}

/** An event that is given up before a handler has seen it. */
export interface GivenUpUnseen {
  readonly error: unknown
  readonly letter: GivenUp
}

/** An entry that is no event. Its dead letter names the code of the reason, such as `(not_encrypted)`. */
export function poison(error: unknown, now: number): GivenUpUnseen {
  const { message, ...reason } = handlingError(error, now)
  const code = error instanceof EventSystemError ? ` (${error.code})` : ''
  return unseen('poison', { error, attempts: 0, lastError: { ...reason, message: `${message}${code}` } })
}

/**
 * An event that was delivered again and again and never finished: most likely it is what ends its consumers. Undefined while it may
 * still be tried.
 */
export function neverFinished(attempt: number, maxAttempts: number, now: number): GivenUpUnseen | undefined {
  if (attempt <= maxAttempts * CRASHES_PER_ATTEMPT) return undefined
  const attempts = attempt - 1
  const sentence = `It was handed out ${counted(attempts, 'time')} and never finished.`
  const error = new EventSystemError('handler_failed', sentence)
  return unseen('exhausted', { error, attempts, lastError: handlingError(error, now) })
}

function unseen(
  kind: GivenUp['kind'],
  { error, attempts, lastError }: { error: unknown; attempts: number; lastError: HandlingError }
): GivenUpUnseen {
  return { error, letter: { kind, handler: null, attempts, firstError: lastError, lastError } }
}
