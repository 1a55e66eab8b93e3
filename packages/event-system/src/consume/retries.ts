import type { Clock } from '@tradpal/events'
import { pause } from '../runtime/index.ts'
import type { Held } from './held.ts'

interface Retry {
  readonly held: Held
  readonly dueAt: number
}

export interface RetriesParts {
  readonly clock: Clock
  /** Aborted when the consumer stops: nothing is due after that. */
  readonly stop: AbortSignal
  /** Called once for each, when it is due. */
  readonly onDue: (held: Held) => void
}

/** What waits for its retry, the next that is due first (a binary heap): one timer for all, however many they are. */
export class Retries {
  readonly #parts: RetriesParts
  readonly #heap: Retry[] = []
  #timer = new AbortController()

  constructor(parts: RetriesParts) {
    this.#parts = parts
  }

  add(held: Held, dueAt: number): void {
    const retry = { held, dueAt }
    let at = this.#heap.push(retry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#dueAt(parent) <= dueAt) break
      this.#heap[at] = this.#heap[parent] as Retry
      at = parent
    }
    this.#heap[at] = retry
    if (at === 0) void this.#sleep()
  }

  /** Until the first is due. One that comes before it begins this anew. */
  async #sleep(): Promise<void> {
    const { clock, stop } = this.#parts
    this.#timer.abort()
    this.#timer = new AbortController()
    const timer = AbortSignal.any([stop, this.#timer.signal])
    const waitMs = Math.max(0, this.#dueAt(0) - clock.now())
    if (await pause(clock, waitMs, timer)) this.#takeDue()
  }

  #takeDue(): void {
    const now = this.#parts.clock.now()
    while (this.#dueAt(0) <= now) this.#parts.onDue(this.#takeFirst())
    if (this.#heap.length > 0) void this.#sleep()
  }

  #takeFirst(): Held {
    const [first] = this.#heap as [Retry]
    const last = this.#heap.pop() as Retry
    if (this.#heap.length > 0) this.#sink(last)
    return first.held
  }

  /** Puts a retry where the first was, and lets those come up that are due before it. */
  #sink(retry: Retry): void {
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = this.#dueAt(left + 1) < this.#dueAt(left) ? left + 1 : left
      if (retry.dueAt <= this.#dueAt(child)) break
      this.#heap[at] = this.#heap[child] as Retry
      at = child
    }
    this.#heap[at] = retry
  }

  #dueAt(at: number): number {
    return this.#heap[at]?.dueAt ?? Number.POSITIVE_INFINITY
  }
}
