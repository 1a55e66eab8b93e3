import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Event, EventSystemError } from '@tradpal/events'
import type { AppendEntry, AppendResult, EventLog, MessageId } from '../log/index.ts'
import type { EventCodec } from './event-codec.ts'
import { canonicalJson } from './signing/canonical.ts'

/** At most this many first entries are in memory at once, and compared in one turn of the event loop: each may be large. */
const AT_ONCE = 16

/** An entry that the log did not append, because it has one with the same event id. */
export interface RepeatedEntry {
  readonly entry: AppendEntry
  /** The message id of the first entry with this event id. */
  readonly messageId: MessageId
}

/** How two payloads compare. `unknown`: one of them is gone, or cannot be read. */
export type Likeness = 'same' | 'other' | 'unknown'

/** Two payloads are the same event when they have the same type, and data whose canonical JSON is equal. Their keys are to be brought before. */
export function likenessOf(one: string | null, other: string | null, codec: EventCodec): Likeness {
  if (one === other) return 'same'
  const [event, first] = [eventIn(one, codec), eventIn(other, codec)]
  if (event === undefined || first === undefined) return 'unknown'
  const isSame = event.eventType === first.eventType && canonicalJson(event.data) === canonicalJson(first.data)
  return isSame ? 'same' : 'other'
}

/**
 * Which of the repeated entries say something else than the first entry of their event id. A first entry that has left the log,
 * or that cannot be read, counts as equal. Rejects with what the log says when it cannot be asked. Once `stop` is aborted, the rest is
 * not looked at.
 */
export async function conflictsAmong<Repeated extends RepeatedEntry>(
  repeated: readonly Repeated[],
  { log, codec }: { readonly log: Pick<EventLog, 'get'>; readonly codec: EventCodec },
  stop?: AbortSignal
): Promise<Repeated[]> {
  const conflicts: Repeated[] = []
  for (let from = 0; from < repeated.length && stop?.aborted !== true; from += AT_ONCE) {
    if (from > 0) await nextTurn()
    const some = repeated.slice(from, from + AT_ONCE)
    const firsts = await Promise.all(some.map(({ messageId }) => log.get(messageId)))
    const payloads = [...some.map(({ entry }) => entry.payload), ...firsts.map((first) => first?.payload ?? null)]
    await codec.beforeDecode?.(payloads)
    conflicts.push(
      ...some.filter(({ entry }, i) => likenessOf(entry.payload, firsts[i]?.payload ?? null, codec) === 'other')
    )
  }
  return conflicts
}

/** The entries of an append that were repeated. */
export function repeatedAmong(
  entries: readonly AppendEntry[],
  results: readonly AppendResult[],
  at = 0
): (RepeatedEntry & { readonly index: number })[] {
  return entries.flatMap((entry, index) => {
    const { duplicate, messageId } = results[at + index] as AppendResult
    return duplicate ? [{ entry, messageId, index }] : []
  })
}

function eventIn(payload: string | null, codec: EventCodec): Event | undefined {
  if (payload === null) return undefined
  try {
    return codec.decode(payload)
  } catch (error) {
    if (error instanceof EventSystemError) return undefined
    throw error
  }
}
