import type { Held } from './held.ts'

/** What waits behind the one whose turn it is. */
interface Lane {
  readonly queue: Fifo
  /** The one whose turn it is waits for a retry. */
  isBlocked: boolean
}

/**
 * Whose turn it is. Entries of one key take turns, in the order in which they came; those of different keys, and those
 * without one, do not wait for each other.
 */
export class Lanes {
  readonly #ready = new Fifo()
  readonly #lanes = new Map<string, Lane>()
  #parked = 0

  /** How many stand behind one that waits for its retry. */
  get parked(): number {
    return this.#parked
  }

  add(held: Held): void {
    const { key } = held
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (lane === undefined) {
      if (key !== undefined) this.#lanes.set(key, { queue: new Fifo(), isBlocked: false })
      this.#ready.push(held)
    } else {
      lane.queue.push(held)
      if (lane.isBlocked) this.#parked++
    }
  }

  /** The next whose turn it is, of those that are still to be handled. */
  take(): Held | undefined {
    for (;;) {
      const held = this.#ready.shift()
      if (held === undefined || held.state === 'queued') return held
      this.pass(held)
    }
  }

  /** The turn of one is over: the next of its key has it. */
  pass({ key }: Held): void {
    if (key === undefined) return
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    this.#unblock(lane)
    const next = lane.queue.shift()
    if (next === undefined) this.#lanes.delete(key)
    else this.#ready.push(next)
  }

  /** It keeps its turn, and waits for its retry: those behind it wait with it. */
  block({ key }: Held): void {
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    if (lane === undefined) return
    lane.isBlocked = true
    this.#parked += lane.queue.length
  }

  /** Its retry has come. */
  resume(held: Held): void {
    const lane = held.key === undefined ? undefined : this.#lanes.get(held.key)
    if (lane !== undefined) this.#unblock(lane)
    this.#ready.push(held)
  }

  /** Whether it stands behind one that waits for its retry. */
  isParked({ key }: Held): boolean {
    return key !== undefined && this.#lanes.get(key)?.isBlocked === true
  }

  /** Those that stand behind the one of this key whose turn it is, the first `most` of them. */
  behind({ key }: Held, most = Number.POSITIVE_INFINITY): readonly Held[] {
    const lane = key === undefined ? undefined : this.#lanes.get(key)
    return lane === undefined ? [] : lane.queue.first(most)
  }

  #unblock(lane: Lane): void {
    if (!lane.isBlocked) return
    lane.isBlocked = false
    this.#parked -= lane.queue.length
  }
}

/** First in, first out, in constant time. */
class Fifo {
  #items: Held[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(held: Held): void {
    this.#items.push(held)
  }

  first(most: number): Held[] {
    return this.#items.slice(this.#head, this.#head + most)
  }

  shift(): Held | undefined {
    const held = this.#items[this.#head]
    if (held === undefined) return undefined
    this.#head++
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return held
  }
}
