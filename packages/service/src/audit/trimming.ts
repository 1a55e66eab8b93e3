import type { Entry, JsonObject, Storage } from '@tradpal/event-system'
import { readEntry } from './entry.ts'

/**
 * Removes the entries that were taken before an instant. First it is recorded which is the last of them, with its hash: what
 * is left is verified from there on. The newest of them stays, so that the record, which is newer, does too, whatever the clock says.
 */
export async function trim(
  storage: Storage,
  before: number,
  record: (what: JsonObject) => Promise<void>
): Promise<void> {
  const newest = await newestBefore(storage, before)
  if (newest === undefined) return
  const bound = newest.appendedAt
  const last = readEntry((await newestBefore(storage, bound))?.payload ?? null)
  if (last === undefined) return
  const [oldest] = (await storage.log.read({ limit: 1 })).entries
  const first = readEntry(oldest?.payload ?? null)
  await record({ from_seq: first?.seq ?? null, up_to_seq: last.seq, up_to_hash: last.hash, before: bound })
  await storage.log.trim({ before: bound }, { force: true })
}

async function newestBefore(storage: Storage, time: number): Promise<Entry | undefined> {
  const { entries } = await storage.log.read({ direction: 'backward', to: { time: time - 1 }, limit: 1 })
  return entries[0]
}
