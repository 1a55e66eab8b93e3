import { clearPartOf, type EventCodec, likenessOf } from '../../codec/index.ts'
import type { AppendEntry, MessageId, Page, Position, Storage } from '../../log/index.ts'
import type { UnknownOutcome } from '../parcel.ts'

/** The clocks of a log and of its users may differ by so much, in ms. */
const SKEW_MS = 60_000
const PAGE = 1_000

/** An entry of the log with the event id that was looked for. */
export interface Found {
  readonly messageId: MessageId
  /** Whether it is the same event, and not only the same event id: so is one that cannot be read. */
  readonly isSame: boolean
}

/** Which of these entries the log took within a time, by event id. Where it has several of an id, the same event counts. */
export async function findInLog(
  { storage, codec }: { readonly storage: Storage; readonly codec: EventCodec },
  { sentAt, until }: UnknownOutcome,
  wanted: readonly AppendEntry[]
): Promise<ReadonlyMap<AppendEntry, Found>> {
  const byId = Map.groupBy(wanted, ({ eventId }) => eventId)
  const found = new Map<AppendEntry, Found>()
  const to = { time: until + SKEW_MS }
  let from: Position = { time: sentAt - SKEW_MS }
  for (;;) {
    const { entries, position }: Page = await storage.log.read({ from, to, limit: PAGE })
    const pairs = entries.flatMap(({ messageId, payload }) =>
      (byId.get(clearPartOf(payload)?.eventId ?? '') ?? []).map((entry) => ({ entry, messageId, payload }))
    )
    await codec.prepareDecoding?.(pairs.flatMap(({ entry, payload }) => [entry.payload, payload]))
    for (const { entry, messageId, payload } of pairs) {
      const isSame = likenessOf(entry.payload, payload, codec) !== 'other'
      if (isSame || !found.has(entry)) found.set(entry, { messageId, isSame })
    }
    const isComplete = wanted.every((entry) => found.get(entry)?.isSame)
    if (entries.length < PAGE || isComplete) return found
    from = { after: position }
  }
}
