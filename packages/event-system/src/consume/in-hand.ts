import type { Delivery, MessageId } from '../log/index.ts'
import type { Registration } from './handlers.ts'

/** An entry that this consumer holds: handed out to it, and not yet acknowledged, buried or lost. */
export interface Held {
  delivery: Delivery
  /** What is left to do with it right now. */
  state: 'queued' | 'running' | 'waiting-to-retry'
  /** Handlers that are done with it in this process: a retry runs only the others. */
  readonly done: Set<Registration>
  /** Aborted when the entry is lost to another consumer, or closing ran out of time. */
  readonly abort: AbortController
}

/** What a consumer has in hand. */
export class InHand {
  readonly #held = new Map<MessageId, Held>()
  readonly #queue: Held[] = []
  #waiting = 0

  /** Queued or running: what counts against the prefetch. An entry that waits for its retry holds up nobody. */
  get working(): number {
    return this.#held.size - this.#waiting
  }

  get waiting(): number {
    return this.#waiting
  }

  get size(): number {
    return this.#held.size
  }

  ids(): MessageId[] {
    return [...this.#held.keys()]
  }

  /** Those whose handling has not begun since they were handed out. */
  untouched(): MessageId[] {
    return this.#queue.map(({ delivery }) => delivery.messageId)
  }

  /** Queues a delivery; one that is in hand already (it came back for a retry) keeps what it knows. */
  enqueue(delivery: Delivery): void {
    const known = this.#held.get(delivery.messageId)
    const held: Held = known ?? { delivery, state: 'queued', done: new Set(), abort: new AbortController() }
    if (known !== undefined) {
      if (known.state !== 'waiting-to-retry') return
      this.#waiting--
      held.delivery = delivery
      held.state = 'queued'
    }
    this.#held.set(delivery.messageId, held)
    this.#queue.push(held)
  }

  /** The next to handle. */
  take(): Held | undefined {
    const held = this.#queue.shift()
    if (held !== undefined) held.state = 'running'
    return held
  }

  waitToRetry(held: Held): void {
    held.state = 'waiting-to-retry'
    this.#waiting++
  }

  holds(held: Held): boolean {
    return this.#held.get(held.delivery.messageId) === held
  }

  /** Lets go of an entry, whatever its state. */
  drop(messageId: MessageId): Held | undefined {
    const held = this.#held.get(messageId)
    if (held === undefined) return undefined
    this.#held.delete(messageId)
    if (held.state === 'waiting-to-retry') this.#waiting--
    if (held.state === 'queued') this.#queue.splice(this.#queue.indexOf(held), 1)
    return held
  }

  /** Lets go of an entry that is another's now, and tells its handler. */
  lose(messageId: MessageId, reason: Error): void {
    this.drop(messageId)?.abort.abort(reason)
  }
}
