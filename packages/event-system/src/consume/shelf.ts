import type { Contents } from './content.ts'
import type { AnyDelivery, Held } from './held.ts'
import type { InHand } from './in-hand.ts'
import type { Lanes } from './lanes.ts'

/** With those whose turn it is come the next of their keys, so many in one call. */
const PAGE = 500

export interface ShelfParts {
  readonly inHand: InHand
  readonly lanes: Lanes
  readonly contents: Contents
  /** Reads entries once more that this consumer holds. */
  readonly read: (holds: readonly AnyDelivery[]) => Promise<readonly AnyDelivery[]>
}

interface Wanted {
  readonly held: Held
  readonly there: PromiseWithResolvers<void>
}

/**
 * Where entries wait, for a retry or behind one, when there are many: this consumer holds them still, and what they say
 * stays in the log until it is their turn. So what waits takes little memory, and keeps nothing else from being read.
 */
export class Shelf {
  readonly #parts: ShelfParts
  #wanted: Wanted[] = []

  constructor(parts: ShelfParts) {
    this.#parts = parts
  }

  put(held: Held): void {
    this.#parts.inHand.shelve(held)
  }

  /** Puts here one that is to be tried again, and those behind it. Only the first of those can be there whole: the others came when they had to wait. */
  putLane(held: Held): void {
    for (const one of [held, ...this.#parts.lanes.behind(held, PAGE)]) this.put(one)
  }

  /** Resolves when the entry says again what it says, or when the log has it no more: then it stays as it is. */
  take(held: Held): Promise<void> {
    const there = Promise.withResolvers<void>()
    if (this.#wanted.push({ held, there }) === 1) setImmediate(() => void this.#takeAll())
    return there.promise
  }

  /** All that are wanted in one turn of the event loop, in one call. */
  async #takeAll(): Promise<void> {
    const wanted = this.#wanted
    this.#wanted = []
    try {
      const most = Math.ceil(PAGE / wanted.length)
      await this.#read(wanted.flatMap(({ held }) => [held, ...this.#next(held, most)]))
      for (const { there } of wanted) there.resolve()
    } catch (error) {
      for (const { there } of wanted) there.reject(error)
    }
  }

  /** Those that are next of its key. Behind one that has failed, as one has whose note is sealed, they stay where they are: it may fail again. */
  #next(held: Held, most: number): readonly Held[] {
    return !held.hasSealedNote && held.progressIfAny === undefined ? this.#parts.lanes.behind(held, most) : []
  }

  async #read(these: readonly Held[]): Promise<void> {
    const { inHand, contents, read } = this.#parts
    const shelved = these.filter(({ content }) => content === undefined)
    const deliveries = await read(shelved.map(({ delivery }) => delivery))
    await contents.ready(deliveries)
    for (const delivery of deliveries) {
      const held = inHand.get(delivery.messageId)
      if (held !== undefined && held.content === undefined) inHand.unshelve(held, delivery, contents.of(delivery))
    }
  }
}
