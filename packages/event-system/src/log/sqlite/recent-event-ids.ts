import type { Connection } from './connection.ts'

const NEXT_RECENT = 'SELECT id, event_id FROM recent WHERE id > ? ORDER BY id LIMIT ?'
const EVENT_ID_OF = 'SELECT event_id FROM recent WHERE id = ?'

/** Rows that one turn of the event loop takes in. */
const CATCH_UP_PAGE = 5_000
const SMALLEST_TABLE = 1_024
const LARGEST_GENERATION = 262_144
/** Ids in a generation are kept as 32-bit distances from its first. */
const LONGEST_SPAN = 2 ** 32 - 2

/**
 * The deduplication window in memory: for each event id a 32-bit hash and where it stands in the log, 16 bytes or so. The
 * truth is the table `recent`; a hash that is found here is checked there, so a collision costs a look and nothing else.
 */
export class RecentEventIds {
  readonly #connection: Connection
  #generations: Generation[] = []
  #seen = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Takes in what others appended behind `horizon`, a page a turn: what is left for {@link catchUp} in a transaction is little. */
  async approach(horizon: number): Promise<void> {
    this.#seen = Math.max(this.#seen, horizon - 1)
    while ((await this.#connection.read(() => this.#takePage())) === CATCH_UP_PAGE) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Takes in the rest. */
  catchUp(): void {
    while (this.#takePage() === CATCH_UP_PAGE);
  }

  /** The id under which this event id was appended at or behind `horizon`. */
  find(eventId: string, horizon: number): number | undefined {
    const hash = hashOf(eventId)
    const eventIdOf = this.#connection.statement(EVENT_ID_OF)
    for (let index = this.#generations.length - 1; index >= 0; index -= 1) {
      const found = this.#generations[index]?.find(
        hash,
        (id) => id >= horizon && eventIdOf.get(id)?.event_id === eventId
      )
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Remembers what was appended; ids come in growing order. */
  add(eventId: string, id: number): void {
    let generation = this.#generations.at(-1)
    if (generation === undefined || generation.isFullFor(id)) {
      generation = new Generation(id)
      this.#generations.push(generation)
    }
    generation.add(hashOf(eventId), id)
    this.#seen = id
  }

  /** Forgets the generations that lie before `horizon` altogether. */
  forget(horizon: number): void {
    if ((this.#generations[0]?.lastId ?? horizon) >= horizon) return
    this.#generations = this.#generations.filter(({ lastId }) => lastId >= horizon)
  }

  #takePage(): number {
    const rows = this.#connection.statement(NEXT_RECENT).all(this.#seen, CATCH_UP_PAGE)
    for (const { id, event_id } of rows) this.add(event_id as string, id as number)
    return rows.length
  }
}

/** An open-addressing hash table over a stretch of the log. */
class Generation {
  readonly #firstId: number
  lastId: number
  #hashes = new Uint32Array(SMALLEST_TABLE)
  /** Distance from the first id, plus 1; 0 is an empty place. */
  #distances = new Uint32Array(SMALLEST_TABLE)
  #size = 0

  constructor(firstId: number) {
    this.#firstId = firstId
    this.lastId = firstId
  }

  isFullFor(id: number): boolean {
    return this.#size >= LARGEST_GENERATION || id - this.#firstId > LONGEST_SPAN
  }

  add(hash: number, id: number): void {
    if (this.#size * 2 >= this.#hashes.length) this.#grow()
    this.#put(hash, id - this.#firstId + 1)
    this.#size += 1
    this.lastId = id
  }

  find(hash: number, isIt: (id: number) => boolean): number | undefined {
    const mask = this.#hashes.length - 1
    for (let place = hash & mask; this.#distances[place] !== 0; place = (place + 1) & mask) {
      if (this.#hashes[place] !== hash) continue
      const id = this.#firstId + (this.#distances[place] ?? 0) - 1
      if (isIt(id)) return id
    }
    return undefined
  }

  #put(hash: number, distance: number): void {
    const mask = this.#hashes.length - 1
    let place = hash & mask
    while (this.#distances[place] !== 0) place = (place + 1) & mask
    this.#hashes[place] = hash
    this.#distances[place] = distance
  }

  #grow(): void {
    const hashes = this.#hashes
    const distances = this.#distances
    this.#hashes = new Uint32Array(hashes.length * 2)
    this.#distances = new Uint32Array(hashes.length * 2)
    for (let place = 0; place < hashes.length; place += 1) {
      const distance = distances[place] ?? 0
      if (distance !== 0) this.#put(hashes[place] ?? 0, distance)
    }
  }
}

/** FNV-1a over the UTF-16 units, with a last mix so that the low bits, which choose the place, depend on all. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
