import type { Received } from '../codec/index.ts'
import type { MessageId } from '../log/index.ts'
import type { Content, Held } from './held.ts'

/** What a consumer has in hand: handed out to it, and not yet settled or lost. */
export class InHand {
  readonly #held = new Map<MessageId, Held>()
  #bytes = 0

  get size(): number {
    return this.#held.size
  }

  get bytes(): number {
    return this.#bytes
  }

  [Symbol.iterator](): Iterator<Held> {
    return this.#held.values()
  }

  get(messageId: MessageId): Held | undefined {
    return this.#held.get(messageId)
  }

  holds(held: Held): boolean {
    return this.#held.get(held.messageId) === held
  }

  /** Takes in an entry. What this consumer had of it before is to be lost first. */
  add(held: Held): void {
    this.#held.set(held.messageId, held)
    this.#bytes += held.bytes
  }

  /** Keeps an entry without what it says. */
  shelve(held: Held): void {
    if (!this.holds(held)) return
    this.#bytes -= held.bytes
    held.shelve()
  }

  unshelve(held: Held, delivery: Received, content: Content): void {
    held.unshelve(delivery, content)
    this.#bytes += held.bytes
  }

  /** Lets go of an entry that is settled. */
  drop(held: Held): void {
    if (!this.holds(held)) return
    this.#held.delete(held.messageId)
    this.#bytes -= held.bytes
  }

  /** Lets go of an entry that is another's now, and tells its handler. */
  lose(held: Held, reason: Error): void {
    this.drop(held)
    held.lose(reason)
  }
}
