import type { NewDeadLetter } from '../dead-letters/index.ts'
import type { Write } from '../log/index.ts'
import type { Verdict } from './failure-policy.ts'
import type { AnyDelivery, Held } from './held.ts'
import { letterOf } from './letter.ts'
import type { Effects } from './once-steps.ts'

/** How the handling of an event ended, for now or for good. */
export interface Ending {
  readonly verdict: Verdict
  readonly effects: readonly Effects[]
  /** To the ledger: handlers that are done. */
  readonly remember: readonly Write[]
  /** The errors of the handlers of this run. */
  readonly errors: readonly unknown[]
}

/** The record of a delivery whose handling ended, as it is written to the log. */
export interface Settlement {
  readonly delivery: AnyDelivery
  readonly outcome: Outcome
  /** What its handlers published. */
  readonly effects: readonly Effects[]
  /** To the ledger: steps that are done. */
  readonly remember: readonly Write[]
}

/** `retry`: it stays with the consumer, and the next that gets it gets the note with it. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'dead'; readonly letter: NewDeadLetter }
  | { readonly kind: 'retry'; readonly note: string }

/** What is written of how the handling of an entry ended. Undefined: it is done, and there is nothing more to say. */
export function settlementOf(
  held: Held,
  { verdict, effects, remember }: Ending,
  who: { readonly group: string; readonly consumer: string }
): Settlement | undefined {
  if (verdict.kind === 'done' && effects.length + remember.length === 0) return undefined
  return { delivery: held.delivery, outcome: outcomeOf(held, verdict, who), effects, remember }
}

/** That it is done, of a delivery about which there is nothing more to say. */
export function doneOf(delivery: AnyDelivery): Settlement {
  return { delivery, outcome: { kind: 'done' }, effects: [], remember: [] }
}

function outcomeOf(held: Held, verdict: Verdict, { group, consumer }: { group: string; consumer: string }): Outcome {
  if (verdict.kind === 'done') return { kind: 'done' }
  if (verdict.kind === 'retry') return { kind: 'retry', note: held.progress.toNote() }
  const eventType = held.content?.event?.eventType ?? null
  const note = held.progressIfAny?.toNoteOfTheDead()
  return { kind: 'dead', letter: letterOf(held.delivery, verdict.letter, { group, consumer, eventType, note }) }
}
