import { type StreamVersion, versionConflict } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../port.ts'

/** What the script `append` returns: the places of the events and which are duplicates, or which of the expected versions is wrong, and the one that the key has. */
export type AppendReply = [places: string[], duplicates: number[]] | [index: number, actual: number]

/** How many are expected, and stream key and version of each. */
export function expectedArguments(expected: readonly StreamVersion[]): string[] {
  return [String(expected.length), ...expected.flatMap(({ key, version }) => [key, String(version)])]
}

/** How many stream keys the entries have, and each of them. */
export function streamKeyArguments(streamKeys: readonly string[]): string[] {
  return [String(streamKeys.length), ...streamKeys]
}

/** Throws `version_conflict`. */
export function appendResults(
  reply: AppendReply,
  entries: readonly AppendEntry[],
  expected: readonly StreamVersion[]
): AppendResult[] {
  if (isConflict(reply)) throw versionConflict(expected[reply[0]] as StreamVersion, reply[1])
  return placedResults(...reply, entries)
}

/** What entries were appended as, by their places and which of them are duplicates. */
export function placedResults(
  places: readonly string[],
  duplicates: readonly number[],
  entries: readonly AppendEntry[]
): AppendResult[] {
  const known = new Set(duplicates)
  return places.map((place, i) => {
    const { messageId, version } = placedAt(place)
    const result = { messageId, duplicate: known.has(i) }
    return version === undefined || entries[i]?.streamKey === undefined ? result : { ...result, version }
  })
}

/** Where an event stands, as deduplication remembers it: its message id and, where it has a stream key, behind a space the version since. */
function placedAt(place: string): Pick<AppendResult, 'messageId' | 'version'> {
  const space = place.indexOf(' ')
  return space < 0
    ? { messageId: place }
    : { messageId: place.slice(0, space), version: Number(place.slice(space + 1)) }
}

function isConflict(reply: AppendReply): reply is [index: number, actual: number] {
  return typeof reply[0] === 'number'
}
