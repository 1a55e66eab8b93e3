import type { Connection } from './connection.ts'
import { IDS_PER_MS } from './message-id.ts'

const FIRST_BEHIND = 'SELECT id FROM entries WHERE id > ? ORDER BY id LIMIT 1'
const FIRST_ORDINAL = 'SELECT ordinal FROM entries ORDER BY id LIMIT 1'
const ORDINAL_UP_TO = 'SELECT ordinal FROM entries WHERE id <= ? ORDER BY id DESC LIMIT 1'
const STATE = 'SELECT added, removed FROM state'
const COUNT_BEHIND = 'SELECT count(*) AS entries FROM (SELECT 1 FROM entries WHERE id > ? LIMIT ?)'
/** How many entries are counted, at most, when their numbers cannot tell. */
const LAG_BOUND = 10_000

/** What lies behind an id: how many entries, and the age of the first of them. To be called inside a step of the connection. */
export function lagBehind(connection: Connection, id: number): { lag: number | null; lagMs: number } {
  const next = connection.statement(FIRST_BEHIND).get(id)?.id
  if (typeof next !== 'number') return { lag: 0, lagMs: 0 }
  return { lag: countBehind(connection, id), lagMs: ageOf(connection, next) }
}

/** Since the entry of this id was appended, in ms. */
export function ageOf(connection: Connection, id: number): number {
  return Math.max(0, Math.floor(connection.options.clock.now()) - Math.floor(id / IDS_PER_MS))
}

/** By the numbers of the entries, as long as only the oldest were removed; else counted, up to the bound. */
function countBehind(connection: Connection, id: number): number | null {
  const { added, removed } = connection.statement(STATE).get() ?? {}
  const first = connection.statement(FIRST_ORDINAL).get()?.ordinal
  if (Number(first) - 1 === Number(removed)) {
    return Number(added) - Number(connection.statement(ORDINAL_UP_TO).get(id)?.ordinal ?? removed)
  }
  const counted = Number(connection.statement(COUNT_BEHIND).get(id, LAG_BOUND + 1)?.entries)
  return counted > LAG_BOUND ? null : counted
}
