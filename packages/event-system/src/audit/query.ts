import { type OptionNames, onlyOptions } from '@tradpal/events'
import type { Entry, Position, ReadRange, Storage } from '../log/index.ts'
import { wholeNumber } from '../runtime/index.ts'
import { type AuditEntry, readEntry } from './entry.ts'

/** A choice of entries: each of them meets every condition that is given. */
export interface AuditQuery {
  readonly principal?: string
  readonly action?: string
  /** The audit log took the entry at this time or later, in ms since the epoch. */
  readonly since?: number
  /** The audit log took the entry at this time or earlier, in ms since the epoch. */
  readonly until?: number
  /** Only refusals. Default false. */
  readonly refused?: boolean
  /** The entry follows the one with this message id. It overrides `since`. */
  readonly after?: string
  /** The most entries that are returned, at least 1. Default 100. */
  readonly limit?: number
}

const NAMES: OptionNames<AuditQuery> = {
  principal: true,
  action: true,
  since: true,
  until: true,
  refused: true,
  after: true,
  limit: true
}

/** An entry with its place in the log. */
export interface ListedEntry {
  readonly messageId: string
  readonly entry: AuditEntry
}

const PAGE = 1_000

/** Entries in the order of the chain: with a start (`since` or `after`) the first that match, without one the newest. Rejects with `invalid_message_id` and `invalid_options`. */
export async function listEntries(storage: Storage, query: AuditQuery): Promise<ListedEntry[]> {
  onlyOptions('list()', query, NAMES)
  const limit = wholeNumber('limit', query.limit ?? 100, 1)
  const from = startOf(query)
  const found: ListedEntry[] = []
  for await (const entry of entriesOf(storage, from, query.until)) {
    const read = readEntry(entry.payload)
    if (read !== undefined && matches(read, query)) found.push({ messageId: entry.messageId, entry: read })
    if (found.length === limit) break
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
