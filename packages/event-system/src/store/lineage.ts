import { type Lineage, lineageId, type StoredEvent } from '@tradpal/events'
import type { Entry, Position, ReadRange, Storage } from '../log/index.ts'

/** So many entries are looked at, in each direction. */
const MAX_SCANNED = 200_000
const PAGE = 1_000

/** How the events of the entries are found. */
export interface EntryReader {
  /** Awaited before entries are decoded. */
  readonly ready: (entries: readonly Entry[]) => Promise<void> | undefined
  readonly decode: (entry: Entry) => StoredEvent | undefined
  /** Whether payloads are the wire JSON as it stands: then most can be passed over undecoded. */
  readonly readable: boolean
}

/**
 * A cause stands before its effect in the log: causes are found by reading backward, effects by reading forward. Where
 * payloads are readable, one is decoded only when it may name what is looked for.
 */
export async function traceLineage(event: StoredEvent, storage: Storage, reader: EntryReader): Promise<Lineage> {
  const place = await placeOf(event, storage)
  const causes = await findCauses(event, place, storage, reader)
  const effects = await findEffects(event, place, storage, reader)
  return { event, causes: causes.found, effects: effects.found, complete: causes.complete && effects.complete }
}

/** Where the causes of an event end, and its effects begin. */
interface Place {
  readonly to: NonNullable<ReadRange['to']>
  readonly from: Position
}

/** Without a total order an entry is no position: its cause and its effects may stand in any partition, and when it was appended tells where. */
async function placeOf({ messageId }: StoredEvent, { features, log }: Storage): Promise<Place> {
  if (features.totalOrder) return { to: { checkpoint: messageId }, from: { after: messageId } }
  const [entry] = await log.get([messageId])
  const time = entry?.appendedAt ?? 0
  return { to: { time }, from: { time } }
}

interface Search {
  readonly found: StoredEvent[]
  readonly complete: boolean
}

async function findCauses(event: StoredEvent, place: Place, storage: Storage, reader: EntryReader): Promise<Search> {
  const found: StoredEvent[] = []
  let wanted = lineageId(event, 'causation_id')
  let { to } = place
  for (let scanned = 0; wanted !== undefined && scanned < MAX_SCANNED; scanned += PAGE) {
    const { entries, position } = await storage.log.read({ direction: 'backward', to, limit: PAGE })
    await reader.ready(entries)
    for (const entry of entries) {
      if (wanted === undefined) break
      // The first page begins with the event itself.
      if (entry.messageId === event.messageId || !mayHold(entry, wanted, reader)) continue
      const candidate = reader.decode(entry)
      if (candidate?.eventId !== wanted) continue
      found.unshift(candidate)
      wanted = lineageId(candidate, 'causation_id')
    }
    if (entries.length < PAGE) break
    to = { checkpoint: position }
  }
  return { found, complete: wanted === undefined }
}

async function findEffects(event: StoredEvent, place: Place, storage: Storage, reader: EntryReader): Promise<Search> {
  const found: StoredEvent[] = []
  const family = new Set([event.eventId])
  let { from } = place
  for (let scanned = 0; scanned < MAX_SCANNED; scanned += PAGE) {
    const { entries, position } = await storage.log.read({ from, limit: PAGE })
    await reader.ready(entries)
    for (const entry of entries) {
      if (!mayHold(entry, 'causation_id', reader)) continue
      const candidate = reader.decode(entry)
      if (candidate === undefined) continue
      const cause = lineageId(candidate, 'causation_id')
      if (cause === undefined || !family.has(cause)) continue
      family.add(candidate.eventId)
      found.push(candidate)
    }
    if (entries.length < PAGE) return { found, complete: true }
    from = { after: position }
  }
  return { found, complete: false }
}

/** Whether an entry's event may hold a text. JSON can write any text in other letters, but only with a backslash. */
function mayHold({ payload }: Entry, text: string, { readable }: EntryReader): boolean {
  return !readable || payload === null || payload.includes(text) || payload.includes('\\')
}
