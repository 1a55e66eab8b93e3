import type { IdHashes } from './id-hashes.ts'

const SMALLEST_TABLE = 1_024
const MOST_RUNS = 262_144
/** Ids in a generation are kept as 32-bit distances from its first. */
const LONGEST_SPAN = 2 ** 32 - 2
/** So many runs are found by their group: those beyond by both hashes of their id, of which there is one then. */
const MOST_OF_GROUP = 32

/**
 * Hashes of event ids over a stretch of the log, in runs: ids of one group that were appended in a row. An open-addressing
 * hash table finds the runs of a group. An id takes 4 bytes, and its run 30 or so.
 */
export class Generation {
  readonly #firstId: number
  lastId: number
  /** By place in the table: the group, and the run plus 1; 0 is an empty place. */
  #groups = new Uint32Array(SMALLEST_TABLE)
  #runs = new Uint32Array(SMALLEST_TABLE)
  /** By run: how far its first id is from that of the generation, and which of the endings is its first. */
  #distances = new Uint32Array(SMALLEST_TABLE)
  #starts = new Uint32Array(SMALLEST_TABLE)
  #size = 0
  /** In the order of the log. */
  #endings = new Uint32Array(SMALLEST_TABLE)
  #count = 0
  /** Of the last run. */
  #lastGroup: number | undefined

  constructor(firstId: number) {
    this.#firstId = firstId
    this.lastId = firstId
  }

  isFullFor(id: number): boolean {
    return this.#size >= MOST_RUNS || id - this.#firstId > LONGEST_SPAN
  }

  add({ group, ending }: IdHashes, id: number): void {
    if (group !== this.#lastGroup || id !== this.lastId + 1) this.#begin(group, ending, id)
    if (this.#count === this.#endings.length) this.#endings = doubled(this.#endings)
    this.#endings[this.#count++] = ending
    this.lastId = id
  }

  /** Whether any id of the group is there; another group may have the same hash. */
  has(group: number): boolean {
    const mask = this.#groups.length - 1
    for (let place = group & mask; this.#runs[place] !== 0; place = (place + 1) & mask) {
      if (this.#groups[place] === group) return true
    }
    return false
  }

  /** That of the ids with these hashes that is the one. */
  find({ group, ending }: IdHashes, isIt: (id: number) => boolean): number | undefined {
    const runs = this.#runsOf(group)
    if (runs.length >= MOST_OF_GROUP) runs.push(...this.#runsOf(bothOf(group, ending)))
    for (const run of runs) {
      const end = run + 1 < this.#size ? (this.#starts[run + 1] as number) : this.#count
      const start = this.#starts[run] as number
      for (let i = start; i < end; i += 1) {
        const id = this.#firstId + (this.#distances[run] as number) + i - start
        if (this.#endings[i] === ending && isIt(id)) return id
      }
    }
    return undefined
  }

  #runsOf(group: number): number[] {
    const mask = this.#groups.length - 1
    const runs: number[] = []
    for (let place = group & mask; this.#runs[place] !== 0; place = (place + 1) & mask) {
      if (this.#groups[place] === group) runs.push((this.#runs[place] as number) - 1)
    }
    return runs
  }

  #begin(group: number, ending: number, id: number): void {
    if (this.#size * 4 >= this.#groups.length * 3) this.#grow()
    if (this.#size === this.#distances.length) {
      this.#distances = doubled(this.#distances)
      this.#starts = doubled(this.#starts)
    }
    const isCrowded = this.has(group) && this.#runsOf(group).length >= MOST_OF_GROUP
    this.#distances[this.#size] = id - this.#firstId
    this.#starts[this.#size] = this.#count
    this.#size += 1
    this.#lastGroup = isCrowded ? undefined : group
    this.#put(isCrowded ? bothOf(group, ending) : group, this.#size)
  }

  #put(group: number, run: number): void {
    const mask = this.#groups.length - 1
    let place = group & mask
    while (this.#runs[place] !== 0) place = (place + 1) & mask
    this.#groups[place] = group
    this.#runs[place] = run
  }

  #grow(): void {
    const [groups, runs] = [this.#groups, this.#runs]
    this.#groups = new Uint32Array(groups.length * 2)
    this.#runs = new Uint32Array(groups.length * 2)
    for (let place = 0; place < runs.length; place += 1) {
      const run = runs[place] as number
      if (run !== 0) this.#put(groups[place] as number, run)
    }
  }
}

/** The group of one id alone, where its own has too many runs. */
function bothOf(group: number, ending: number): number {
  return (Math.imul(group, 0x85ebca6b) ^ ending) >>> 0
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}
