import type { JsonObject } from '@tradpal/events'
import type { Entry, EventLog } from '../log/index.ts'
import { readEntry } from './entry.ts'

/**
 * Removes the entries that the log took before a time, in ms since the epoch. First it records the last of them with its hash, from which
 * the others are verified. The newest of the old entries stays, so that the record, which is newer, stays too when the clock is wrong.
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
