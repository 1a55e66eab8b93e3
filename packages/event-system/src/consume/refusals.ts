import { type ErrorCode, EventSystemError } from '@tradpal/events'
import { clearPartOf } from '../codec/index.ts'
import { letterOf } from './letter.ts'
import { handlingError, Progress } from './progress.ts'
import { doneOf, type Settlement } from './settlement.ts'
import { type SettlementResult, type SettleParts, settle } from './settling.ts'

/** The codes with which a log refuses units that it will never take. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['invalid_argument', 'invalid_message_id', 'unsupported'])
/** Of the sentence of a refusal, a dead letter keeps this many characters. */
const MAX_SENTENCE = 500

/** Whether the log refused what was to be written, and would refuse it again. */
export function isRefusal(error: unknown): error is EventSystemError {
  return error instanceof EventSystemError && REFUSALS.has(error.code)
}

export interface EndRefusedParts extends SettleParts {
  readonly options: { readonly group: string; readonly consumer: string }
  readonly clock: { now(): number }
}

/**
 * Ends a delivery whose settlement the log refused: with a dead letter that has a short reason, and nothing of what was refused. Resolves to
 * `undefined` when the log refuses that too: then the delivery is still pending.
 */
export async function endRefused(
  { delivery }: Settlement,
  refusal: EventSystemError,
  parts: EndRefusedParts
): Promise<SettlementResult | undefined> {
  const { group, consumer } = parts.options
  const sentence = `The log refused to write how its handling ended: ${refusal.message.slice(0, MAX_SENTENCE)}`
  const error = handlingError(sentence, parts.clock.now())
  const why = {
    kind: 'rejected',
    handler: null,
    attempts: delivery.attempt,
    firstError: error,
    lastError: error
  } as const
  const eventType = clearPartOf(delivery.payload)?.eventType ?? null
  const note = Progress.from(delivery.note).toNoteOfTheDead()
  const letter = letterOf(delivery, why, { group, consumer, eventType, note })
  try {
    const [result] = await settle([{ ...doneOf(delivery), outcome: { kind: 'dead', letter } }], parts)
    return result
  } catch (again) {
    if (!isRefusal(again)) throw again
    return undefined
  }
}
