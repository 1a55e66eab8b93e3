import type { JsonObject } from '@tradpal/events'
import type { Entry, Storage } from '../log/index.ts'
import { readEntry } from './entry.ts'

/**
 * Removes the entries that the log took before a time, in ms since the epoch. First it records the last of them with its hash, from which
 * the others are verified. The newest of the old entries stays, so that the record, which is newer, stays too when the clock is wrong.
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
