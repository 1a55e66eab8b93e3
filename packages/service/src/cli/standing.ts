import type { GroupStanding, LogStanding } from './target.ts'

/** How a log stands, for machines. */
export function standingDocument({ log, location, length, firstId, lastId, bytes, deadLetters, groups }: LogStanding) {
  return {
    log,
    location,
    stream_length: length,
    first_entry: firstId,
    last_entry: lastId,
    bytes,
    dead_letters: deadLetters,
    consumer_groups: groups.length,
    groups: groups.map(groupDocument)
  }
}

function groupDocument({ name, consumers, pending, lag, lastDelivered }: GroupStanding) {
  return { name, consumers, pending, lag, 'last-delivered-id': lastDelivered }
}
