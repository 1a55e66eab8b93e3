import { randomInt } from 'node:crypto'

/** Of one table; it holds half as many ids, so that a look at one that is not there ends after two or three slots. */
const SLOTS = 131_072
/** Random for each process: nobody can choose event ids that all have the same hash. */
const SEED = randomInt(2 ** 32)

/** A hash table with open addressing. An empty slot has the id 0. */
interface Table {
  readonly hashes: Uint32Array
  readonly ids: Float64Array
  count: number
  lastId: number
}

/** Where entries are, by a 32-bit hash of their event ids: 24 bytes for each. Beside it the event ids themselves are in the file. */
export class EventIdIndex {
  /** In the order of the log. */
  #tables: Table[] = []

  add(eventId: string, id: number): void {
    const table = this.#tableForNext()
    const hash = hashOf(eventId)
    let slot = hash % SLOTS
    while (table.ids[slot] !== 0) slot = (slot + 1) % SLOTS
    table.hashes[slot] = hash
    table.ids[slot] = id
    table.count += 1
    table.lastId = id
  }

  /** The id that was added with this event id. `isIt` decides between ids whose event ids have the same hash. */
  find(eventId: string, isIt: (id: number) => boolean): number | undefined {
    const hash = hashOf(eventId)
    for (const { hashes, ids } of this.#tables) {
      for (let slot = hash % SLOTS; ids[slot] !== 0; slot = (slot + 1) % SLOTS) {
        const id = ids[slot] as number
        if (hashes[slot] === hash && isIt(id)) return id
      }
    }
    return undefined
  }

  /** Forgets ids before `horizon`, a whole table at a time. */
  forget(horizon: number): void {
    this.#tables = this.#tables.filter(({ lastId }) => lastId >= horizon)
  }

  #tableForNext(): Table {
    const last = this.#tables.at(-1)
    if (last !== undefined && last.count < SLOTS / 2) return last
    const table = { hashes: new Uint32Array(SLOTS), ids: new Float64Array(SLOTS), count: 0, lastId: 0 }
    this.#tables.push(table)
    return table
  }
}

/** FNV-1a over the UTF-16 units, with a last mix so that the low bits, which choose the slot, depend on all. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5 ^ SEED
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
