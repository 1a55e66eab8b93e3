import type { MessageId } from '../log/index.ts'

/** How many deliveries are remembered. The oldest are forgotten first. */
const MOST = 50_000

/**
 * The event types of entries that this process delivered and that were not acknowledged yet, so that settling need not read
 * the log. An entry keeps its type for good, whatever becomes of its data.
 */
export class DeliveredTypes {
  readonly #types = new Map<MessageId, string>()

  add(messageId: MessageId, eventType: string): void {
    this.#types.delete(messageId)
    if (this.#types.size >= MOST) this.#types.delete(this.#types.keys().next().value as MessageId)
    this.#types.set(messageId, eventType)
  }

  of(messageId: MessageId): string | undefined {
    return this.#types.get(messageId)
  }

  forget(messageId: MessageId): void {
    this.#types.delete(messageId)
  }
}
