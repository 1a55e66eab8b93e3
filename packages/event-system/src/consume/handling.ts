import {
  type BackoffOptions,
  backoffMs,
  type Clock,
  counted,
  type DataFault,
  type Event,
  EventSystemError,
  Reject,
  RetryLater,
  type StoredEvent,
  tryNewestForm
} from '@tradpal/events'
import type { HandlerProgress, HandlingError } from '../codec/index.ts'
import type { Write } from '../log/index.ts'
import { runAsCause } from '../runtime/index.ts'
import { RunContext, type Surroundings } from './context.ts'
import type { Registration } from './handlers.ts'
import type { Held } from './held.ts'
import type { GivenUp } from './letter.ts'
import type { Effects } from './once-steps.ts'
import { handlingError } from './progress.ts'

/** How the handling of an event ended, for now or for good. */
export interface Ending {
  readonly verdict: Verdict
  readonly effects: readonly Effects[]
  /** To the ledger: handlers that are done. */
  readonly remember: readonly Write[]
  /** What the handlers of this run failed with. */
  readonly errors: readonly unknown[]
}

/** `retry`: some handlers are to be tried again, the first of them at `dueAt`, ms since the epoch. */
export type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly dueAt: number }
  | { readonly kind: 'dead'; readonly letter: GivenUp }

export interface HandlingParts {
  readonly surroundings: Surroundings
  readonly clock: Clock
  readonly random: () => number
  /** Of handlers that say nothing else. */
  readonly defaults: { readonly maxAttempts: number; readonly backoff: BackoffOptions }
}

/** A handler that needs a key that is not there is run again after so long, in ms. */
const KEY_AGAIN_MS = 1_000

const DONE: Ending = { verdict: { kind: 'done' }, effects: [], remember: [], errors: [] }

/**
 * Runs the handlers of an event that are not done with it, one after another; one that fails does not keep the others from
 * theirs. Handlers that accept only valid events get its newest form. An event that has none is dead for those handlers, as
 * soon as the other handlers are done with it.
 */
export async function handle(
  held: Held,
  event: Event,
  registrations: readonly Registration[],
  parts: HandlingParts
): Promise<Ending> {
  const stored = { ...event, messageId: held.messageId }
  const newest = registrations.some(isTyped) ? tryNewestForm(stored) : undefined
  const effects: Effects[] = []
  const remember: Write[] = []
  const { eventId } = event
  const { steps } = parts.surroundings
  const errors: unknown[] = []
  const remembered = registrations.some(({ idempotent }) => idempotent)
    ? await rememberedSteps(event, registrations, parts)
    : undefined
  for (const registration of registrations) {
    const { name } = registration
    if (isTyped(registration) && newest?.fault !== undefined) {
      markInvalid(held.progress.of(name), newest.fault, parts.clock.now())
      continue
    }
    const known = held.progressIfAny?.of(name)
    // Another version of this service knew no upcaster for it.
    if (known?.state === 'invalid') known.state = 'to-do'
    if (known !== undefined && (known.state !== 'to-do' || isPutOff(known, parts))) continue
    const step = `handler:${name}`
    if (remembered?.has(step)) {
      held.progress.of(name).state = 'done'
      continue
    }
    const attempt = held.delivery.attempt + (known?.failures ?? 0)
    const context = new RunContext(held, event, name, attempt, parts.surroundings)
    try {
      const running = begin(registration, isTyped(registration) ? (newest?.event ?? stored) : stored, context)
      if (running !== undefined) await running
      const published = context.end()
      const append = published instanceof Promise ? await published : published
      if (append.length > 0) effects.push({ append, write: steps.firstWrite({ eventId, step: `effects:${name}` }) })
      if (registration.idempotent) remember.push(steps.doneWrite({ eventId, step }))
      if (registrations.length > 1) held.progress.of(name).state = 'done'
      else if (known !== undefined) known.state = 'done'
    } catch (error) {
      context.abandon()
      if (!(error instanceof RetryLater)) errors.push(error)
      note(held.progress.of(name), registration, error, parts)
    }
  }
  if (errors.length === 0 && held.progressIfAny === undefined) {
    return effects.length + remember.length === 0 ? DONE : { ...DONE, effects, remember }
  }
  const verdict = verdictOf(held, registrations)
  if (verdict.kind === 'dead' && errors.length === 0 && newest?.fault !== undefined)
    errors.push(invalidData(newest.fault))
  return { verdict, effects, remember, errors }
}

/** Whether a handler takes only events whose data are valid. */
export function isTyped({ accepts }: Registration): boolean {
  return accepts === 'valid'
}

function invalidData({ message, pointer }: DataFault): EventSystemError {
  return new EventSystemError('invalid_data', message, { pointer })
}

/** No attempt of the handler can mend it. */
function markInvalid(progress: HandlerProgress, fault: DataFault, at: number): void {
  if (progress.state !== 'to-do' && progress.state !== 'invalid') return
  progress.state = 'invalid'
  progress.lastError = { ...fault, at }
  progress.firstError ??= progress.lastError
}

/** The end of an entry that no handler can be asked about. Its letter names the code of the reason, such as `(not_encrypted)`. */
export function poison(error: unknown, now: number): Ending {
  const { message, ...reason } = handlingError(error, now)
  const code = error instanceof EventSystemError ? ` (${error.code})` : ''
  return dead('poison', error, 0, { ...reason, message: `${message}${code}` })
}

/** The end of an event that was handed out again and again, and never finished: likely it is what kills its consumers. */
export function neverFinished(deliveries: number, now: number): Ending {
  const error = new EventSystemError(
    'handler_failed',
    `It was handed out ${counted(deliveries, 'time')} and never finished.`
  )
  return dead('exhausted', error, deliveries, handlingError(error, now))
}

function dead(kind: GivenUp['kind'], error: unknown, attempts: number, lastError: HandlingError): Ending {
  const letter = { kind, handler: null, attempts, firstError: lastError, lastError }
  return { ...DONE, verdict: { kind: 'dead', letter }, errors: [error] }
}

function rememberedSteps(
  event: Event,
  registrations: readonly Registration[],
  { surroundings }: HandlingParts
): Promise<Set<string>> {
  const steps = registrations.filter(({ idempotent }) => idempotent).map(({ name }) => `handler:${name}`)
  return surroundings.steps.done(event.eventId, steps)
}

function isPutOff({ dueAt }: HandlerProgress, { clock }: HandlingParts): boolean {
  return dueAt !== undefined && dueAt > clock.now()
}

/** Returns what to wait for. Most handlers that are done when they return give nothing, and cost no turn. */
function begin({ handler, timeoutMs, name }: Registration, event: StoredEvent, context: RunContext) {
  if (timeoutMs !== undefined) context.limitTime()
  const running = runAsCause(event, () => handler(event, context))
  return running === undefined || timeoutMs === undefined ? running : inTime(running, timeoutMs, name, context)
}

/** A handler that does not end cannot be ended: its signal is aborted, and nobody waits for it any more. */
async function inTime(running: unknown, timeoutMs: number, name: string, context: RunContext): Promise<void> {
  const timeIsUp = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const error = new EventSystemError('handler_timeout', `The handler ${name} took longer than ${timeoutMs} ms.`)
    context.outOfTime(error)
    timeIsUp.reject(error)
  }, timeoutMs)
  await Promise.race([running, timeIsUp.promise]).finally(() => clearTimeout(timer))
}

function note(progress: HandlerProgress, registration: Registration, error: unknown, parts: HandlingParts): void {
  const now = parts.clock.now()
  if (error instanceof RetryLater) {
    progress.dueAt = now + error.delayMs
    return
  }
  if (isKeyMissing(error)) {
    progress.dueAt = now + KEY_AGAIN_MS
    return
  }
  const { maxAttempts = parts.defaults.maxAttempts, backoff = parts.defaults.backoff, retryOn } = registration
  progress.failures++
  progress.lastError = handlingError(error, now)
  progress.firstError ??= progress.lastError
  progress.dueAt = now + backoffMs(progress.failures, backoff, parts.random)
  if (error instanceof Reject || isShredded(error) || !mayRetry(retryOn, error)) progress.state = 'rejected'
  else if (progress.failures >= maxAttempts) progress.state = 'exhausted'
}

/** What a step returned is sealed with a key that is yet to come: the handler has not failed. */
function isKeyMissing(error: unknown): boolean {
  return error instanceof EventSystemError && error.code === 'key_missing'
}

/** What it published belongs to nobody any more, and no other attempt will mend that. */
function isShredded(error: unknown): boolean {
  return error instanceof EventSystemError && error.code === 'shredded'
}

/** A `retryOn` that throws has not said that trying again cannot help. */
function mayRetry(retryOn: Registration['retryOn'], error: unknown): boolean {
  try {
    return retryOn?.(error) !== false
  } catch {
    return true
  }
}

/** Nothing is given up before every handler has had its attempts. */
function verdictOf(held: Held, registrations: readonly Registration[]): Verdict {
  const all = registrations.map(({ name }) => ({ name, progress: held.progress.of(name) }))
  const toDo = all.filter(({ progress }) => progress.state === 'to-do')
  if (toDo.length > 0) return { kind: 'retry', dueAt: Math.min(...toDo.map(({ progress }) => progress.dueAt ?? 0)) }
  const gaveUp = all.filter(({ progress }) => progress.state !== 'done')
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

/** What several handlers failed with, as one error: the first's, with what all of them said. */
function together(errors: readonly (HandlingError | undefined)[]): HandlingError {
  const [first, ...others] = errors.filter((error) => error !== undefined) as [HandlingError, ...HandlingError[]]
  if (others.length === 0) return first
  const sentences = [first, ...others].map(({ message }) => message)
  return { ...first, message: `${sentences.length} handlers failed: ${sentences.join('; ')}` }
}
