import type { StoredEvent } from '@tradpal/events'
import type { Entry, EventLog } from '../log/index.ts'

/** So many entries are looked at, in each direction. */
const MAX_SCANNED = 200_000
const PAGE = 1_000

/** Where an event comes from and what came of it, by the causation ids in the metadata. */
export interface Lineage {
  readonly event: StoredEvent
  /** Its cause, that one's cause, and so on: the first cause first. */
  readonly causes: readonly StoredEvent[]
  /** What followed from it, and from that, in log order. */
  readonly effects: readonly StoredEvent[]
  /** False when the search ended at its bound of 200,000 entries in a direction, or a cause is no longer in the log. */
  readonly complete: boolean
}

/**
 * A cause stands before its effect in the log: causes are found by reading backward, effects by reading forward. A payload
 * is decoded only when it names an id that is looked for.
 */
export async function traceLineage(
  event: StoredEvent,
  log: EventLog,
  decode: (entry: Entry) => StoredEvent | undefined
): Promise<Lineage> {
  const causes = await findCauses(event, log, decode)
  const effects = await findEffects(event, log, decode)
  return { event, causes: causes.found, effects: effects.found, complete: causes.complete && effects.complete }
}

interface Search {
  readonly found: StoredEvent[]
  readonly complete: boolean
}

async function findCauses(
  event: StoredEvent,
  log: EventLog,
  decode: (entry: Entry) => StoredEvent | undefined
): Promise<Search> {
  const found: StoredEvent[] = []
  let wanted = event.metadata.causation_id
  let to = { messageId: event.messageId }
  for (let scanned = 0; wanted !== undefined && scanned < MAX_SCANNED; scanned += PAGE) {
    const page = await log.read({ direction: 'backward', to, limit: PAGE })
    for (const entry of page) {
      if (wanted === undefined || !entry.payload?.includes(wanted)) continue
      const candidate = decode(entry)
      if (candidate?.eventId !== wanted) continue
      found.unshift(candidate)
      wanted = candidate.metadata.causation_id
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) break
    to = { messageId: last.messageId }
  }
  return { found, complete: wanted === undefined }
}

async function findEffects(
  event: StoredEvent,
  log: EventLog,
  decode: (entry: Entry) => StoredEvent | undefined
): Promise<Search> {
  const found: StoredEvent[] = []
  const family = new Set([event.eventId])
  let after = event.messageId
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += PAGE) {
    const page = await log.read({ from: { after }, limit: PAGE })
    for (const entry of page) {
      if (!entry.payload?.includes('"causation_id"')) continue
      const candidate = decode(entry)
      const cause = candidate?.metadata.causation_id
      if (candidate === undefined || cause === undefined || !family.has(cause)) continue
      family.add(candidate.eventId)
      found.push(candidate)
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return { found, complete: true }
    after = last.messageId
  }
  return { found, complete: false }
}
