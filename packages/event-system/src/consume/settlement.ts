import type { Hold, Settlement, ShardTenure } from '../log/index.ts'
import type { Ending } from './handling.ts'
import type { Held } from './held.ts'
import { letterOf } from './letter.ts'

/** A settlement of either way to share: that of a shard names its tenure. */
export type AnySettlement = Settlement & Partial<ShardTenure>

/** What is written of how the handling of an entry ended. Undefined: it is done, and there is nothing more to say. */
export function settlementOf(
  held: Held,
  { verdict, effects, remember }: Ending,
  consumer: string
): AnySettlement | undefined {
  if (verdict.kind === 'done' && effects.length + remember.length === 0) return undefined
  return {
    ...holdOf(held),
    ...(effects.length > 0 && { effects }),
    ...(remember.length > 0 && { remember }),
    outcome: outcomeOf(held, verdict, consumer)
  }
}

/** That it is done, of an entry about which there is nothing more to say. */
export function doneOf(held: Held): AnySettlement {
  return { ...holdOf(held), outcome: { kind: 'done' } }
}

function outcomeOf(held: Held, verdict: Ending['verdict'], consumer: string): Settlement['outcome'] {
  if (verdict.kind === 'done') return { kind: 'done' }
  if (verdict.kind === 'retry') return { kind: 'retry', note: held.progress.toNote() }
  const eventType = held.content?.event?.eventType ?? null
  const note = held.progressIfAny?.toNoteOfTheDead()
  return { kind: 'dead', letter: letterOf(held.delivery, verdict.letter, { consumer, eventType, note }) }
}

/** What shows that this consumer has an entry. */
function holdOf({ delivery: { messageId, attempt, shard, epoch } }: Held): Hold & Partial<ShardTenure> {
  return shard === undefined || epoch === undefined ? { messageId, attempt } : { messageId, attempt, shard, epoch }
}
