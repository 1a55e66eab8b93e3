import type { Entry, EventLog, JsonObject } from '@tradpal/event-system'
import { readEntry } from './entry.ts'

/**
 * Removes the entries that were taken before an instant. First it is recorded which is the last of them, with its hash: what
 * is left is verified from there on. The newest of them stays, so that the record, which is newer, does too, whatever the clock says.
 */
export async function trim(log: EventLog, before: number, record: (what: JsonObject) => Promise<void>): Promise<void> {
  const newest = await newestBefore(log, before)
  if (newest === undefined) return
  const bound = newest.appendedAt
  const last = readEntry((await newestBefore(log, bound))?.payload ?? null)
  if (last === undefined) return
  const [oldest] = await log.read({ limit: 1 })
  const first = readEntry(oldest?.payload ?? null)
  await record({ from_seq: first?.seq ?? null, up_to_seq: last.seq, up_to_hash: last.hash, before: bound })
  await log.trim({ before: bound }, { force: true })
}

async function newestBefore(log: EventLog, time: number): Promise<Entry | undefined> {
  return (await log.read({ direction: 'backward', to: { time: time - 1 }, limit: 1 }))[0]
}
