import type { Attachments } from '../codec/index.ts'
import type { DeadLetter, DeadLetters, NewlyDead } from '../dead-letters/index.ts'
import type { AppendEntry, AppendResult, MessageId, Unit, UnitResult } from '../log/index.ts'
import type { AnyDelivery } from './held.ts'
import type { Effects } from './once-steps.ts'
import type { Settlement } from './settlement.ts'

/** The parts of the step that settles a delivery: it is acknowledged, with what its handlers published, or with its dead letter. */
export const SETTLING_PARTS = ['acknowledge', 'append', 'write'] as const satisfies readonly (keyof Unit)[]

/** Where deliveries are settled: in a group that shares entry by entry, or in one that is partitioned. */
export interface Settling {
  /** Acknowledges deliveries about which there is nothing more to say. Resolves to the message ids of those that were lost. */
  acknowledge(deliveries: readonly AnyDelivery[]): Promise<readonly MessageId[]>
  /** Ends deliveries, each in one step with its unit. A unit is refused, and nothing of it happens, when its delivery was lost. */
  commit(ends: readonly DeliveryEnd[]): Promise<readonly UnitResult[]>
}

/** How a delivery ends, and what is written in the same step. */
export interface DeliveryEnd {
  readonly delivery: AnyDelivery
  readonly outcome: { readonly kind: 'done' } | { readonly kind: 'retry'; readonly attachment: string }
  readonly unit: Pick<Unit, 'append' | 'write'>
}

/** An entry of effects that was not appended: its event id was in the log already, inside the deduplication window. */
export interface RepeatedEffect {
  readonly entry: AppendEntry
  /** The message id of the first entry with this event id. */
  readonly messageId: MessageId
}

/** `lost`: the consumer did not hold it any more, and nothing of the settlement took place. */
export type SettlementResult =
  | { readonly kind: 'settled'; readonly letter?: DeadLetter; readonly repeated?: readonly RepeatedEffect[] }
  | { readonly kind: 'lost' }

/** Whether a unit was refused because its delivery is another consumer's, rather than for what it writes. */
export function isLost(answer: UnitResult): boolean {
  return answer.kind === 'refused' && !(answer.part === 'write' && answer.reason === 'conflict')
}

export interface SettleParts {
  readonly settling: Settling
  readonly deadLetters: DeadLetters
  readonly attachments: Attachments
}

/** A settlement on its way, with those of its effects that were not appended before. */
interface Draft {
  readonly settlement: Settlement
  readonly effects: readonly Effects[]
  readonly dead: NewlyDead | undefined
}

/**
 * Writes how deliveries ended, each in one unit. Effects that the ledger says were appended before are left out, and the unit is given
 * again without them.
 */
export async function settle(settlements: readonly Settlement[], parts: SettleParts): Promise<SettlementResult[]> {
  const drafts = await draftsOf(settlements, parts.deadLetters)
  const results = new Map<Settlement, SettlementResult>()
  for (let open = drafts; open.length > 0; ) {
    const answers = await parts.settling.commit(open.map((draft) => endOf(draft, parts)))
    const again: Draft[] = []
    for (const [i, draft] of open.entries()) {
      const answer = answers[i]
      const repeated = repeatedStep(draft, answer)
      if (repeated !== undefined) again.push({ ...draft, effects: draft.effects.filter((one) => one !== repeated) })
      else results.set(draft.settlement, resultOf(draft, answer))
    }
    open = again
  }
  return settlements.map((settlement) => results.get(settlement) ?? { kind: 'lost' })
}

async function draftsOf(settlements: readonly Settlement[], deadLetters: DeadLetters): Promise<Draft[]> {
  const letters = settlements.flatMap(({ outcome }) => (outcome.kind === 'dead' ? [outcome.letter] : []))
  const dead = letters.length === 0 ? [] : await deadLetters.prepare(letters)
  let next = 0
  return settlements.map((settlement) => ({
    settlement,
    effects: settlement.effects,
    dead: settlement.outcome.kind === 'dead' ? dead[next++] : undefined
  }))
}

/** The writes of the effects come first: {@link repeatedStep} finds them by their place. */
function endOf({ settlement, effects, dead }: Draft, { attachments }: SettleParts): DeliveryEnd {
  const { delivery, outcome, remember } = settlement
  const entries = effects.flatMap(({ append }) => append)
  const write = [...effects.map((one) => one.write), ...remember, ...(dead?.writes ?? [])]
  return {
    delivery,
    outcome:
      outcome.kind === 'retry'
        ? { kind: 'retry', attachment: attachments.ofRetry(delivery, outcome.note) }
        : { kind: 'done' },
    unit: { ...(entries.length > 0 && { append: { entries } }), ...(write.length > 0 && { write }) }
  }
}

/** The effects whose step was taken before, for which the unit was refused. */
function repeatedStep({ effects }: Draft, answer: UnitResult | undefined): Effects | undefined {
  if (answer?.kind !== 'refused' || answer.part !== 'write' || answer.reason !== 'conflict') return undefined
  return effects[answer.index]
}

function resultOf({ effects, dead }: Draft, answer: UnitResult | undefined): SettlementResult {
  if (answer?.kind !== 'committed') return { kind: 'lost' }
  const repeated = repeatedAmong(effects, answer.appended)
  return {
    kind: 'settled',
    ...(dead !== undefined && { letter: dead.letter }),
    ...(repeated.length > 0 && { repeated })
  }
}

function repeatedAmong(effects: readonly Effects[], appended: readonly AppendResult[]): RepeatedEffect[] {
  const entries = effects.flatMap(({ append }) => append)
  return entries.flatMap((entry, i) => {
    const result = appended[i]
    return result?.duplicate ? [{ entry, messageId: result.messageId }] : []
  })
}
