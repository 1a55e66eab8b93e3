import type { Hold, MessageId } from '../port.ts'
import { compareKnownIds, mustBeMessageId } from './message-id.ts'

/** Message id and attempt in turn. */
export function holdArguments(holds: readonly Hold[]): string[] {
  return holds.flatMap(({ messageId, attempt }) => [mustBeMessageId(messageId), String(attempt)])
}

/** What the script `acknowledge` takes: a part for each attempt, of which there is mostly one. */
export function acknowledgeArguments(holds: readonly Hold[]): string[] {
  const args: string[] = []
  for (const [attempt, ids] of idsByAttempt(holds)) {
    let least = ids[0] as MessageId
    let greatest = least
    for (const id of ids) {
      if (compareKnownIds(id, least) < 0) least = id
      else if (compareKnownIds(id, greatest) > 0) greatest = id
    }
    args.push(String(attempt), least, greatest, String(ids.length), ...ids)
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
