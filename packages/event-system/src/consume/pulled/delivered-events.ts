import type { MessageId } from '../../log/index.ts'

/** How many deliveries are remembered. The oldest are forgotten first. */
const MOST = 50_000

/** The facts about an entry that stay the same for good, whatever becomes of its data. */
export interface DeliveredEvent {
  /** `null` for an entry whose type cannot be read. */
  readonly eventType: string | null
  /** When the log took the entry, ms since the epoch. */
  readonly appendedAt: number
}

/** The entries that this process delivered and that were not acknowledged yet, so that settling need not read the log. */
export class DeliveredEvents {
  readonly #events = new Map<MessageId, DeliveredEvent>()

  add(messageId: MessageId, event: DeliveredEvent): void {
    this.#events.delete(messageId)
    if (this.#events.size >= MOST) this.#events.delete(this.#events.keys().next().value as MessageId)
    this.#events.set(messageId, event)
  }

  of(messageId: MessageId): DeliveredEvent | undefined {
    return this.#events.get(messageId)
  }

  forget(messageId: MessageId): void {
    this.#events.delete(messageId)
  }
}
