import type * as Api from '@tradpal/event-api'
import type { DeadLetter, DeadLetterAction, DeadLetterCause, HandlingError, RequeueNext } from '@tradpal/events'
import { boolean, field, list, number, object, optional, orNull, reader, text, time } from './reading.ts'

/** What came of putting back all letters that match. */
export interface RequeueResult {
  /** How many matched when it began. */
  readonly matched: number
  readonly requeued: number
  /** Of those that matched, how many this call did not try. */
  readonly remaining: number
  /** Those that could not be put back, and why. */
  readonly failed: readonly { readonly id: string; readonly code: string }[]
  /** With the same filter and options, over them, the next call goes on with what remains. Undefined when nothing does. */
  readonly next?: RequeueNext
}

const handlingErrorOf = reader<Api.HandlingError, HandlingError>({
  message: text,
  stack: optional(text),
  pointer: optional(text),
  at: time
})

export const deadLetterOf = reader<Api.DeadLetter, DeadLetter>({
  id: text,
  message_id: text,
  group: text,
  consumer: text,
  handler: orNull(text),
  event_type: orNull(text),
  kind: text,
  attempts: number,
  requeues: number,
  amended: boolean,
  fingerprint: text,
  first_error: handlingErrorOf,
  last_error: handlingErrorOf,
  dead_at: time,
  payload: orNull(text),
  raw: optional(object<Record<string, string>>)
})

export const deadLettersOf = field<Api.DeadLetterPage, DeadLetter[]>('dead_letters', list(deadLetterOf))
export const deadLetterCountOf = field<Api.DeadLetterPage, number>('total', number)

const causeOf = reader<Api.DeadLetterCause, DeadLetterCause>({
  group: text,
  fingerprint: text,
  count: number,
  oldest: deadLetterOf
})
export const deadLetterCausesOf = field<Api.DeadLetterCauseList, DeadLetterCause[]>('causes', list(causeOf))

const actionOf = reader<Api.DeadLetterAction, DeadLetterAction>({
  id: text,
  at: time,
  action: text,
  by: text,
  reason: optional(text),
  amended: boolean,
  letter: deadLetterOf
})
export const deadLetterActionsOf = field<Api.DeadLetterActionPage, DeadLetterAction[]>('actions', list(actionOf))

export const requeueResultOf = reader<Api.RequeueResult, RequeueResult>({
  matched: number,
  requeued: number,
  remaining: number,
  failed: list(reader<Api.RequeueFailure, RequeueResult['failed'][number]>({ id: text, code: text })),
  next: optional(reader<Api.RequeueNext, RequeueNext>({ until: time, expected: number, after: optional(text) }))
})
