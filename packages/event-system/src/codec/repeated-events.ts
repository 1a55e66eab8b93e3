import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Event, EventSystemError } from '@tradpal/events'
import type { AppendEntry, AppendResult, Log, MessageId } from '../log/index.ts'
import { canonicalJson } from './signing/canonical.ts'
import type { EventCodec } from './staged-codec.ts'

/** At most this many first entries are in memory at once: each may be large. */
const AT_ONCE = 16
/** After payloads of this many characters the event loop has a turn for others. */
const PER_TURN = 262_144

/** An entry that the log did not append, because it has one with the same event id. */
export interface RepeatedEntry {
  readonly entry: AppendEntry
  /** The message id of the first entry with this event id. */
  readonly messageId: MessageId
}

/** How two payloads compare. `unknown`: one of them is gone, or cannot be read. */
export type Likeness = 'same' | 'other' | 'unknown'

/** Two payloads are the same event when they have the same type, and data whose canonical JSON is equal. Prepare the codec for both before. */
export function likenessOf(one: string | null, other: string | null, codec: EventCodec): Likeness {
  return comparedTo(other, codec)(one)
}

/**
 * Which of the repeated entries say something else than the first entry of their event id. A first entry that has left the log,
 * or that cannot be read, counts as equal. Rejects with what the log says when it cannot be asked. Once `stop` is aborted, the rest is
 * not looked at. A first entry is read once for all entries that repeat it: a small request may repeat a large event many times.
 */
export async function conflictsAmong<Repeated extends RepeatedEntry>(
  repeated: readonly Repeated[],
  { storage, codec }: { readonly storage: { readonly log: Pick<Log, 'get'> }; readonly codec: EventCodec },
  stop?: AbortSignal
): Promise<Repeated[]> {
  const conflicts = new Set<Repeated>()
  const byFirst = [...Map.groupBy(repeated, ({ messageId }) => messageId)]
  let sinceTurn = 0
  for (let from = 0; from < byFirst.length && stop?.aborted !== true; from += AT_ONCE) {
    const some = byFirst.slice(from, from + AT_ONCE)
    const entries = await storage.log.get(some.map(([messageId]) => messageId))
    const firsts = entries.map((entry) => entry?.payload ?? null)
    const theirs = some.flatMap(([, entries]) => entries.map(({ entry }) => entry.payload))
    await codec.prepareDecoding?.([...theirs, ...firsts])
    for (const [i, [, entries]] of some.entries()) {
      const first = firsts[i] ?? null
      const likeness = comparedTo(first, codec)
      for (const one of entries) if (likeness(one.entry.payload) === 'other') conflicts.add(one)
      sinceTurn += first?.length ?? 0
      if (sinceTurn < PER_TURN) continue
      await nextTurn()
      sinceTurn = 0
      if (stop?.aborted) break
    }
  }
  return repeated.filter((one) => conflicts.has(one))
}

/** Compares payloads with one, which is decoded once, and only for a payload that is not the same text. */
function comparedTo(other: string | null, codec: EventCodec): (payload: string | null) => Likeness {
  let first: { readonly event: Event | undefined; data?: string } | undefined
  return (payload) => {
    if (payload === other) return 'same'
    first ??= { event: eventIn(other, codec) }
    const event = eventIn(payload, codec)
    if (event === undefined || first.event === undefined) return 'unknown'
    if (event.eventType !== first.event.eventType) return 'other'
    first.data ??= canonicalJson(first.event.data)
    return canonicalJson(event.data) === first.data ? 'same' : 'other'
  }
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
