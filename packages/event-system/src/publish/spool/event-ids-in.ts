import { labelOf } from '../../codec/index.ts'
import type { EventLog, MessageId } from '../../log/index.ts'
import type { UnknownOutcome } from '../parcel.ts'

/** The clocks of a log and of its users may differ by so much, in ms. */
const SKEW_MS = 60_000
const PAGE = 1_000

/** Which of these event ids the log took within a time. */
export async function eventIdsIn(
  log: EventLog,
  { sentAt, until }: UnknownOutcome,
  wanted: ReadonlySet<string>
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  const to = { time: until + SKEW_MS }
  let from: { time: number } | { after: MessageId } = { time: sentAt - SKEW_MS }
  for (;;) {
    const page = await log.read({ from, to, limit: PAGE })
    for (const { payload } of page) {
      const eventId = labelOf(payload)?.eventId
      if (eventId !== undefined && wanted.has(eventId)) found.add(eventId)
    }
    const last = page.at(-1)
    if (page.length < PAGE || last === undefined || found.size === wanted.size) return found
    from = { after: last.messageId }
  }
}
