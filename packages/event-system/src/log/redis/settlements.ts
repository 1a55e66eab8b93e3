import type { Hold, LedgerEntry, MessageId, Settlement } from '../port.ts'
import { eventArguments } from './appender.ts'
import { mustBeSaid } from './arguments.ts'
import { toStoredLetter } from './dead-letters.ts'
import { compareKnownIds, mustBeMessageId } from './message-id.ts'

/** In whose name something is settled. */
export interface Holder {
  readonly consumer: string
  /** Empty where the group shares entry by entry. */
  readonly shard: string
  /** What the shard's field says while its holder has it; empty where the group shares entry by entry. */
  readonly tenure: string
}

export function entryHolder(consumer: string): Holder {
  return { consumer, shard: '', tenure: '' }
}

/** Message id and attempt in turn. */
export function holdArguments(holds: readonly Hold[]): string[] {
  const args: string[] = []
  for (const { messageId, attempt } of holds) args.push(mustBeMessageId(messageId), String(attempt))
  return args
}

/** What the script `acknowledge` takes of what one holder has: a part for each attempt, of which there is mostly one. */
export function acknowledgeArguments({ consumer, shard, tenure }: Holder, holds: readonly Hold[]): string[] {
  const args: string[] = []
  for (const [attempt, ids] of idsByAttempt(holds)) {
    let least = ids[0] as MessageId
    let greatest = least
    for (const id of ids) {
      if (compareKnownIds(id, least) < 0) least = id
      else if (compareKnownIds(id, greatest) > 0) greatest = id
    }
    args.push(consumer, shard, tenure, String(attempt), least, greatest, String(ids.length), ...ids)
  }
  return args
}

function idsByAttempt(holds: readonly Hold[]): Map<number, MessageId[]> {
  const byAttempt = new Map<number, MessageId[]>()
  for (const { messageId, attempt } of holds) {
    const ids = byAttempt.get(attempt)
    if (ids === undefined) byAttempt.set(attempt, [mustBeMessageId(messageId)])
    else ids.push(mustBeMessageId(messageId))
  }
  return byAttempt
}

/** What the script `settle` takes of one settlement of a group. */
export function settleArguments({ consumer, shard, tenure }: Holder, group: string, settlement: Settlement): string[] {
  const { messageId, attempt, outcome, effects = [], remember = [] } = settlement
  const args = [consumer, shard, tenure, mustBeMessageId(messageId), String(attempt), outcome.kind]
  args.push(outcomeText(group, messageId, outcome), String(effects.length))
  for (const { eventId, step, append } of effects) {
    for (const entry of append) mustBeSaid('An event id', entry.eventId)
    const events = append.flatMap((entry) => eventArguments(entry))
    args.push(mustBeSaid('The event id of effects', eventId), step, String(events.length), ...events)
  }
  args.push(String(remember.length))
  for (const entry of remember) args.push(...ledgerArguments(entry))
  return args
}

/** Event id, step, whether there is a value, value. */
export function ledgerArguments({ eventId, step, value }: LedgerEntry): string[] {
  return [mustBeSaid('The event id of a ledger entry', eventId), step, value === null ? '0' : '1', value ?? '']
}

function outcomeText(group: string, messageId: MessageId, outcome: Settlement['outcome']): string {
  if (outcome.kind === 'retry') return outcome.note
  return outcome.kind === 'dead' ? JSON.stringify(toStoredLetter(outcome.letter, group, messageId)) : ''
}
