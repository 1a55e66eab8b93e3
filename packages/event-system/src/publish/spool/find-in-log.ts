import { type EventCodec, labelOf, likenessOf } from '../../codec/index.ts'
import type { AppendEntry, EventLog, MessageId } from '../../log/index.ts'
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
  { log, codec }: { readonly log: EventLog; readonly codec: EventCodec },
  { sentAt, until }: UnknownOutcome,
  wanted: readonly AppendEntry[]
): Promise<ReadonlyMap<AppendEntry, Found>> {
  const byId = Map.groupBy(wanted, ({ eventId }) => eventId)
  const found = new Map<AppendEntry, Found>()
  const to = { time: until + SKEW_MS }
  let from: { time: number } | { after: MessageId } = { time: sentAt - SKEW_MS }
  for (;;) {
    const page = await log.read({ from, to, limit: PAGE })
    const pairs = page.flatMap(({ messageId, payload }) =>
      (byId.get(labelOf(payload)?.eventId ?? '') ?? []).map((entry) => ({ entry, messageId, payload }))
    )
    await codec.prepareDecoding?.(pairs.flatMap(({ entry, payload }) => [entry.payload, payload]))
    for (const { entry, messageId, payload } of pairs) {
      const isSame = likenessOf(entry.payload, payload, codec) !== 'other'
      if (isSame || !found.has(entry)) found.set(entry, { messageId, isSame })
    }
    const last = page.at(-1)
    const isComplete = wanted.every((entry) => found.get(entry)?.isSame)
    if (page.length < PAGE || last === undefined || isComplete) return found
    from = { after: last.messageId }
  }
}
