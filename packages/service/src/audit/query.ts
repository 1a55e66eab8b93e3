import type { Entry, Position, ReadRange, Storage } from '@tradpal/event-system'
import { type AuditEntry, readEntry } from './entry.ts'

/** Which entries: every condition that is given must hold. */
export interface AuditQuery {
  readonly principal?: string
  readonly action?: string
  /** Taken by the audit log at this instant or later, ms since the epoch. */
  readonly since?: number
  readonly until?: number
  /** Only what was refused. Default false. */
  readonly refused?: boolean
  /** Behind the entry of this message id. Not together with `since`. */
  readonly after?: string
  readonly limit: number
}

export interface ListedEntry {
  readonly messageId: string
  readonly entry: AuditEntry
}

const PAGE = 1_000

/** In the order of the chain: with a start (`since` or `after`) the first ones that match, without the newest. Rejects with `invalid_message_id`. */
export async function listEntries(storage: Storage, query: AuditQuery): Promise<ListedEntry[]> {
  const from = startOf(query)
  const found: ListedEntry[] = []
  for await (const entry of entriesOf(storage, from, query.until)) {
    const read = readEntry(entry.payload)
    if (read !== undefined && matches(read, query)) found.push({ messageId: entry.messageId, entry: read })
    if (found.length === query.limit) break
  }
  return from === undefined ? found.reverse() : found
}

function startOf({ since, after }: AuditQuery): Position | undefined {
  if (after !== undefined) return { after }
  return since === undefined ? undefined : { time: since }
}

/** Forward from a start, backward from the end without one. */
async function* entriesOf(
  storage: Storage,
  from: Position | undefined,
  until: number | undefined
): AsyncGenerator<Entry> {
  let range: ReadRange = {
    limit: PAGE,
    ...(from === undefined ? { direction: 'backward' } : { from }),
    ...(until !== undefined && { to: { time: until } })
  }
  for (;;) {
    const { entries, position } = await storage.log.read(range)
    yield* entries
    if (entries.length < PAGE) return
    range = from === undefined ? { ...range, to: { checkpoint: position } } : { ...range, from: { after: position } }
  }
}

function matches({ principal, action, outcome }: AuditEntry, query: AuditQuery): boolean {
  if (query.principal !== undefined && principal !== query.principal) return false
  if (query.action !== undefined && action !== query.action) return false
  return query.refused !== true || outcome === 'refused'
}
