import type { AppendEntry } from '../port.ts'

/** UUIDs of the same first part stand in a row together. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const SHARED = 24
/** So that the texts in which ids are remembered stay short: see scripts/include/remembered.lua. */
const LONGEST_ROW = 16

/**
 * Events as the scripts that append take them, in rows: the field in which deduplication remembers their ids, what each
 * of these ends with, one after the other, how many they are, and what `push` says of each. The endings of a row grow, so
 * that no id stands in it twice.
 */
export function rowsOf(
  entries: readonly AppendEntry[],
  push: (args: string[], entry: AppendEntry, index: number) => void
): string[] {
  const args: string[] = []
  let row = { at: 0, field: '', endings: '', last: '', count: 0 }
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as AppendEntry
    const { field, ending } = placeOf(entry.eventId)
    if (field === row.field && ending > row.last && row.count < LONGEST_ROW) {
      row.endings += ending
      row.last = ending
      row.count += 1
      args[row.at + 1] = row.endings
      args[row.at + 2] = String(row.count)
    } else {
      row = { at: args.length, field, endings: ending, last: ending, count: 1 }
      args.push(field, ending, '1')
    }
    push(args, entry, index)
  }
  return args
}

/** What a UUID shares with others, and what it ends with; of any other id the whole, and nothing. */
function placeOf(eventId: string): { readonly field: string; readonly ending: string } {
  if (!UUID.test(eventId)) return { field: `=${eventId}`, ending: '' }
  return { field: eventId.slice(0, SHARED), ending: eventId.slice(SHARED) }
}
