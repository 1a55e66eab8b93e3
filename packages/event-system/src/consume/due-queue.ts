interface Due<Item> {
  readonly item: Item
  readonly at: number
}

/** Items with the time at which each is due, the earliest first: a binary heap. */
export class DueQueue<Item> {
  readonly #heap: Due<Item>[] = []

  /** When the next item is due; infinity without any. */
  get nextAt(): number {
    return this.#at(0)
  }

  add(item: Item, at: number): void {
    let place = this.#heap.push({ item, at }) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#at(parent) <= at) break
      this.#heap[place] = this.#heap[parent] as Due<Item>
      place = parent
    }
    this.#heap[place] = { item, at }
  }

  /** Removes the items that are due and returns them, the earliest first. */
  take(now: number): Item[] {
    const items: Item[] = []
    while (this.nextAt <= now) items.push(this.#takeFirst())
    return items
  }

  #takeFirst(): Item {
    const [first] = this.#heap as [Due<Item>]
    const last = this.#heap.pop() as Due<Item>
    if (this.#heap.length > 0) this.#sink(last)
    return first.item
  }

  /** Puts one where the first was, and lets those come up that are due before it. */
  #sink(due: Due<Item>): void {
    let place = 0
    for (;;) {
      const left = 2 * place + 1
      const child = this.#at(left + 1) < this.#at(left) ? left + 1 : left
      if (due.at <= this.#at(child)) break
      this.#heap[place] = this.#heap[child] as Due<Item>
      place = child
    }
    this.#heap[place] = due
  }

  #at(place: number): number {
    return this.#heap[place]?.at ?? Number.POSITIVE_INFINITY
  }
}
