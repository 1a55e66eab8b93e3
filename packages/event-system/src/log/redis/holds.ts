import type { Hold, MessageId } from '../port.ts'
import type { Connection } from './connection.ts'
import { compareKnownIds, mustBeMessageId } from './message-id.ts'
import type { GroupOfStream } from './pending.ts'
import { runScript } from './scripts.ts'

/** The most holds of one call: the server does nothing else meanwhile. */
const STEP = 2_000

/** Holds of a consumer in one stream. */
export interface HoldsOfStream {
  readonly place: GroupOfStream
  readonly holds: readonly Hold[]
}

/** Message id and attempt in turn. */
export function holdArguments(holds: readonly Hold[]): string[] {
  return holds.flatMap(({ messageId, attempt }) => [mustBeMessageId(messageId), String(attempt)])
}

/** Settles holds in steps, and resolves to the ids of those that are lost. Every step is waited for before it rejects: none is left behind that nobody waits for. */
export async function inSteps(
  holds: readonly Hold[],
  settle: (some: readonly Hold[]) => Promise<MessageId[]>
): Promise<MessageId[]> {
  const steps: Promise<MessageId[]>[] = []
  for (let from = 0; from < holds.length; from += STEP) steps.push(settle(holds.slice(from, from + STEP)))
  await Promise.allSettled(steps)
  return (await Promise.all(steps)).flat()
}

/** Marks entries done, of all streams in one step. Resolves for each stream to the ids whose hold was lost. */
export function acknowledgeIn(
  connection: Connection,
  { group, consumer }: { readonly group: string; readonly consumer: string },
  streams: readonly HoldsOfStream[]
): Promise<MessageId[][]> {
  const keys = streams.flatMap(({ place }) => [place.stream, place.attachments])
  const parts = streams.flatMap(({ holds }, i) => acknowledgeArguments(holds, String(i + 1)))
  return runScript<string[][]>(connection, 'acknowledge', keys, [group, consumer, ...parts])
}

/** A part for each attempt, of which there is mostly one. */
function acknowledgeArguments(holds: readonly Hold[], stream: string): string[] {
  const args: string[] = []
  for (const [attempt, ids] of idsByAttempt(holds)) {
    let least = ids[0] as MessageId
    let greatest = least
    for (const id of ids) {
      if (compareKnownIds(id, least) < 0) least = id
      else if (compareKnownIds(id, greatest) > 0) greatest = id
    }
    args.push(stream, String(attempt), least, greatest, String(ids.length), ...ids)
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
