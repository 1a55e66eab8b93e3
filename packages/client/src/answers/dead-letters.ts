import { timestampMs } from '@tradpal/events'
import { booleanOf, listOf, numberOf, partsOf, textOf, textOrNull } from './parts.ts'

/** One failure of an event's handling. */
export interface HandlingError {
  readonly message: string
  readonly stack?: string
  /** JSON pointer (RFC 6901), from the root of the event, of the value that is wrong: of an event that is `invalid`. */
  readonly pointer?: string
  /** When, ms since the epoch. */
  readonly at: number
}

/** An entry that a consumer group gave up on. */
export interface DeadLetter {
  /** The letter's own id. */
  readonly id: string
  readonly messageId: string
  readonly group: string
  readonly consumer: string
  /** The handler that gave up, by its name; `null` when none saw the entry. */
  readonly handler: string | null
  /** `null` when the entry is no event. */
  readonly eventType: string | null
  /**
   * Why: `poison` (the entry is no event), `invalid` (its data do not fit the newest version of its type), `rejected` (a
   * handler said so) or `exhausted` (every attempt failed).
   */
  readonly kind: 'poison' | 'invalid' | 'rejected' | 'exhausted'
  /** How often the handler was tried. */
  readonly attempts: number
  /** How often an operator had put the entry back before. */
  readonly requeues: number
  /** Whether an operator had given the group the event with other data. */
  readonly amended: boolean
  /** The same for dead letters of one cause: of their group, event type, class of error and place in the code. */
  readonly fingerprint: string
  readonly firstError: HandlingError
  readonly lastError: HandlingError
  /** When it was put there, ms since the epoch. */
  readonly deadAt: number
  /** The entry's text as the group had it, or `null` when it has none. */
  readonly payload: string | null
  /** With a `null` payload: what the entry holds instead. */
  readonly raw?: Readonly<Record<string, string>>
}

/** The dead letters of one group that have the same fingerprint. */
export interface DeadLetterCause {
  readonly group: string
  readonly fingerprint: string
  readonly count: number
  /** The oldest of them. */
  readonly oldest: DeadLetter
}

/** What an operator did to a dead letter. */
export interface DeadLetterAction {
  readonly id: string
  /** When, ms since the epoch. */
  readonly at: number
  readonly action: 'requeue' | 'discard'
  readonly by: string
  /** Why it was discarded. */
  readonly reason?: string
  /** Whether the group got the event with other data. */
  readonly amended: boolean
  /** The letter as it was. */
  readonly letter: DeadLetter
}

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

export interface RequeueNext {
  /** Of the filter, ms since the epoch: letters that came since are not among those. */
  readonly until: number
  /** Of the options. */
  readonly expected: number
  readonly after?: string
}

export function deadLettersOf(body: unknown): DeadLetter[] {
  return listOf(body, 'dead_letters').map(deadLetterOf)
}

export function deadLetterOf(value: unknown): DeadLetter {
  const { payload, raw } = partsOf(value)
  return {
    id: textOf(value, 'id'),
    messageId: textOf(value, 'message_id'),
    group: textOf(value, 'group'),
    consumer: textOf(value, 'consumer'),
    handler: textOrNull(value, 'handler'),
    eventType: textOrNull(value, 'event_type'),
    kind: textOf(value, 'kind') as DeadLetter['kind'],
    attempts: numberOf(value, 'attempts'),
    requeues: numberOf(value, 'requeues'),
    amended: booleanOf(value, 'amended'),
    fingerprint: textOf(value, 'fingerprint'),
    firstError: handlingErrorOf(partsOf(value).first_error),
    lastError: handlingErrorOf(partsOf(value).last_error),
    deadAt: timestampMs(textOf(value, 'dead_at')),
    payload: payload === null ? null : textOf(value, 'payload'),
    ...(typeof raw === 'object' && raw !== null && { raw: raw as Record<string, string> })
  }
}

export function deadLetterCountOf(body: unknown): number {
  return numberOf(body, 'total')
}

export function deadLetterCausesOf(body: unknown): DeadLetterCause[] {
  return listOf(body, 'causes').map((value) => ({
    group: textOf(value, 'group'),
    fingerprint: textOf(value, 'fingerprint'),
    count: numberOf(value, 'count'),
    oldest: deadLetterOf(partsOf(value).oldest)
  }))
}

export function deadLetterActionsOf(body: unknown): DeadLetterAction[] {
  return listOf(body, 'actions').map((value) => {
    const { reason, amended, letter } = partsOf(value)
    return {
      id: textOf(value, 'id'),
      at: timestampMs(textOf(value, 'at')),
      action: textOf(value, 'action') as DeadLetterAction['action'],
      by: textOf(value, 'by'),
      ...(typeof reason === 'string' && { reason }),
      amended: amended === true,
      letter: deadLetterOf(letter)
    }
  })
}

export function requeueResultOf(body: unknown): RequeueResult {
  return {
    matched: numberOf(body, 'matched'),
    requeued: numberOf(body, 'requeued'),
    remaining: numberOf(body, 'remaining'),
    failed: listOf(body, 'failed').map((one) => ({ id: textOf(one, 'id'), code: textOf(one, 'code') })),
    ...(partsOf(body).next !== undefined && { next: requeueNextOf(partsOf(body).next) })
  }
}

function requeueNextOf(value: unknown): RequeueNext {
  return {
    until: timestampMs(textOf(value, 'until')),
    expected: numberOf(value, 'expected'),
    ...(partsOf(value).after !== undefined && { after: textOf(value, 'after') })
  }
}

function handlingErrorOf(value: unknown): HandlingError {
  const { stack, pointer } = partsOf(value)
  return {
    message: textOf(value, 'message'),
    ...(typeof stack === 'string' && { stack }),
    ...(typeof pointer === 'string' && { pointer }),
    at: timestampMs(textOf(value, 'at'))
  }
}
