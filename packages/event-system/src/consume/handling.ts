import {
  type BackoffOptions,
  type Clock,
  type DataFault,
  type Event,
  EventSystemError,
  RetryLater,
  type StoredEvent,
  tryNewestForm
} from '@tradpal/events'
import type { HandlerProgress } from '../codec/index.ts'
import type { Write } from '../log/index.ts'
import { runAsCause } from '../runtime/index.ts'
import { RunContext, type Surroundings } from './context.ts'
import { failureOf, type GivenUpUnseen, noteFailure, noteInvalid, verdictOn } from './failure-policy.ts'
import type { Registration } from './handlers.ts'
import type { Held } from './held.ts'
import type { Effects } from './once-steps.ts'
import { legible } from './progress.ts'
import type { Ending } from './settlement.ts'

export interface HandlingParts {
  readonly surroundings: Surroundings
  readonly clock: Clock
  readonly random: () => number
  /** Of handlers that say nothing else. */
  readonly defaults: { readonly maxAttempts: number; readonly backoff: BackoffOptions }
}

const DONE: Ending = { verdict: { kind: 'done' }, effects: [], remember: [], errors: [] }

/** The end of an event that is given up before a handler has seen it. */
export function givenUp({ letter, error }: GivenUpUnseen): Ending {
  return { ...DONE, verdict: { kind: 'dead', letter }, errors: [error] }
}

/** Asks the ledger which of the idempotent handlers are done with an event. `undefined` where no handler is one. */
export function rememberedSteps(
  event: Event,
  registrations: readonly Registration[],
  { surroundings }: HandlingParts
): Promise<ReadonlySet<string>> | undefined {
  const steps = registrations.filter(({ idempotent }) => idempotent).map(({ name }) => stepOf(name))
  return steps.length === 0 ? undefined : surroundings.steps.done(event.eventId, steps)
}

/**
 * Runs the handlers of an event that are not done with it, one after another; one that fails does not keep the others from
 * theirs. Handlers that accept only valid events get its newest form. An event that has none is dead for those handlers, as
 * soon as the other handlers are done with it. `remembered`: what {@link rememberedSteps} resolved to.
 */
export async function handle(
  held: Held,
  event: Event,
  { registrations, remembered }: { registrations: readonly Registration[]; remembered?: ReadonlySet<string> },
  parts: HandlingParts
): Promise<Ending> {
  const { clock, random, defaults, surroundings } = parts
  const { steps } = surroundings
  const stored = { ...event, messageId: held.messageId }
  const newest = registrations.some(isTyped) ? tryNewestForm(stored) : undefined
  const effects: Effects[] = []
  const remember: Write[] = []
  const { eventId } = event
  const errors: unknown[] = []
  for (const registration of registrations) {
    const { name } = registration
    if (isTyped(registration) && newest?.fault !== undefined) {
      noteInvalid(held.progress.of(name), newest.fault, clock.now())
      continue
    }
    const known = held.progressIfAny?.of(name)
    // Another version of this service knew no upcaster for it.
    if (known?.state === 'invalid') known.state = 'to-do'
    if (known !== undefined && (known.state !== 'to-do' || isPutOff(known, parts))) continue
    const step = stepOf(name)
    if (remembered?.has(step)) {
      held.progress.of(name).state = 'done'
      continue
    }
    const attempt = held.delivery.attempt + (known?.failures ?? 0)
    const context = new RunContext(held, event, name, attempt, surroundings)
    try {
      const running = begin(registration, isTyped(registration) ? (newest?.event ?? stored) : stored, context)
      if (running !== undefined) await running
      const published = context.end()
      const append = published instanceof Promise ? await published : published
      if (append.length > 0) effects.push({ append, write: steps.firstWrite({ eventId, step: `effects:${name}` }) })
      if (registration.idempotent) remember.push(steps.doneWrite({ eventId, step }))
      if (registrations.length > 1) held.progress.of(name).state = 'done'
      else if (known !== undefined) known.state = 'done'
    } catch (thrown) {
      const error = legible(thrown)
      context.abandon()
      if (!(error instanceof RetryLater)) errors.push(error)
      const { maxAttempts = defaults.maxAttempts, backoff = defaults.backoff, retryOn } = registration
      const failure = { verdict: failureOf(error, retryOn), error, now: clock.now() }
      noteFailure(held.progress.of(name), failure, { maxAttempts, backoff, random })
    }
  }
  if (errors.length === 0 && held.progressIfAny === undefined) {
    return effects.length + remember.length === 0 ? DONE : { ...DONE, effects, remember }
  }
  const verdict = verdictOn(registrations.map(({ name }) => ({ name, progress: held.progress.of(name) })))
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

/** The step of the ledger that says that a handler is done. */
function stepOf(handler: string): string {
  return `handler:${handler}`
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
