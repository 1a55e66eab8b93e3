/** Two 32-bit hashes of an event id: of what it shares with the ids that were made with it, and of what it ends with. */
export interface IdHashes {
  readonly group: number
  readonly ending: number
}

/** A UUID shares all but its last 12 digits with others of its moment, if createEvent made it; of any other id both hashes are of the whole. */
const UUID_LENGTH = 36
const SHARED = 24

/** The hashes of event ids, which mostly begin like the one before. */
export function idHashesOf(eventIds: readonly string[]): IdHashes[] {
  let shared = ''
  let group = 0
  return eventIds.map((eventId) => {
    if (eventId.length !== UUID_LENGTH) {
      const whole = hashOf(eventId, 0, eventId.length)
      return { group: whole, ending: whole }
    }
    if (shared === '' || !eventId.startsWith(shared)) {
      shared = eventId.slice(0, SHARED)
      group = hashOf(eventId, 0, SHARED)
    }
    return { group, ending: hashOf(eventId, SHARED, UUID_LENGTH) }
  })
}

/** FNV-1a over the UTF-16 units of a part, with a last mix so that the low bits, which choose the place, depend on all. */
function hashOf(text: string, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let index = from; index < to; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
