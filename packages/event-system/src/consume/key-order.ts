import type { Held } from './held.ts'

/** The deliveries of one key behind the one whose turn it is. */
interface Line {
  readonly queue: Fifo
  /** The one whose turn it is waits for its retry. */
  isBlocked: boolean
}

/**
 * The order in which deliveries are handled. Those of one key take turns, in the order in which they came. Those of different keys, and
 * those without a key, do not wait for each other.
 */
export class KeyOrder {
  readonly #ready = new Fifo()
  readonly #lines = new Map<string, Line>()
  #blocked = 0

  /** How many stand behind one that waits for its retry. */
  get blocked(): number {
    return this.#blocked
  }

  /** Whether {@link take} may find one. Some that are ready may have been lost. */
  get hasReady(): boolean {
    return this.#ready.length > 0
  }

  add(held: Held): void {
    const { key } = held
    const line = key === undefined ? undefined : this.#lines.get(key)
    if (line === undefined) {
      if (key !== undefined) this.#lines.set(key, { queue: new Fifo(), isBlocked: false })
      this.#ready.push(held)
    } else {
      line.queue.push(held)
      if (line.isBlocked) this.#blocked++
    }
  }

  /** The next whose turn it is, of those that are still queued. */
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
    const line = this.#lines.get(key)
    if (line === undefined) return
    this.#unblock(line)
    const next = line.queue.shift()
    if (next === undefined) this.#lines.delete(key)
    else this.#ready.push(next)
  }

  /** It keeps its turn and waits for its retry: those behind it wait with it. */
  block({ key }: Held): void {
    const line = key === undefined ? undefined : this.#lines.get(key)
    if (line === undefined) return
    line.isBlocked = true
    this.#blocked += line.queue.length
  }

  /** Its retry is due. */
  resume(held: Held): void {
    const line = held.key === undefined ? undefined : this.#lines.get(held.key)
    if (line !== undefined) this.#unblock(line)
    this.#ready.push(held)
  }

  /** Whether it stands behind one that waits for its retry. */
  isBlocked({ key }: Held): boolean {
    return key !== undefined && this.#lines.get(key)?.isBlocked === true
  }

  /** The first `most` of those that stand behind the one of this key whose turn it is. */
  behind({ key }: Held, most: number): readonly Held[] {
    const line = key === undefined ? undefined : this.#lines.get(key)
    return line === undefined ? [] : line.queue.first(most)
  }

  #unblock(line: Line): void {
    if (!line.isBlocked) return
    line.isBlocked = false
    this.#blocked -= line.queue.length
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
