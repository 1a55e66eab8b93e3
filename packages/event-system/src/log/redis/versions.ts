import { type StreamVersion, versionConflict } from '@tradpal/events'
import type { AppendEntry, AppendResult } from '../port.ts'

/** What the scripts that count stream keys return: where the events stand and which are duplicates, or which of the expected versions is not so, and the one that is. */
export type VersionedReply = [places: string[], duplicates: number[]] | [index: number, actual: number]

/** How many are expected, and stream key and version of each. */
export function expectedArguments(expected: readonly StreamVersion[]): string[] {
  return [String(expected.length), ...expected.flatMap(({ key, version }) => [key, String(version)])]
}

/** Throws `version_conflict`. */
export function versionedResults(
  reply: VersionedReply,
  entries: readonly AppendEntry[],
  expected: readonly StreamVersion[]
): AppendResult[] {
  if (isConflict(reply)) throw versionConflict(expected[reply[0]] as StreamVersion, reply[1])
  const [places, duplicates] = reply
  const known = new Set(duplicates)
  return places.map((place, i) => {
    const { messageId, version } = placedAt(place)
    const result = { messageId, duplicate: known.has(i) }
    return version === undefined || entries[i]?.streamKey === undefined ? result : { ...result, version }
  })
}

/** Where an event stands, as deduplication remembers it: its message id and, where it has a stream key, behind a space the version since. */
export function placedAt(place: string): Pick<AppendResult, 'messageId' | 'version'> {
  const space = place.indexOf(' ')
  return space < 0
    ? { messageId: place }
    : { messageId: place.slice(0, space), version: Number(place.slice(space + 1)) }
}

function isConflict(reply: VersionedReply): reply is [index: number, actual: number] {
  return typeof reply[0] === 'number'
}
