import type { ConsumerGroup, MessageId } from '../log/index.ts'

/**
 * Gathers acknowledgements: one call to the log is on its way at a time, and what is done meanwhile goes with the next.
 * Nothing is acknowledged before its handlers are done.
 */
export class Acknowledger {
  readonly #group: ConsumerGroup
  readonly #onAcknowledged: (ids: readonly MessageId[]) => void
  readonly #onFailure: (error: unknown) => Promise<boolean>
  #done: MessageId[] = []
  #sending: Promise<void> | undefined

  /** `onFailure` waits for as long as the next try should wait, and resolves to whether there should be one. */
  constructor(
    group: ConsumerGroup,
    onAcknowledged: (ids: readonly MessageId[]) => void,
    onFailure: (error: unknown) => Promise<boolean>
  ) {
    this.#group = group
    this.#onAcknowledged = onAcknowledged
    this.#onFailure = onFailure
  }

  add(messageId: MessageId): void {
    this.#done.push(messageId)
    this.#sending ??= this.#send()
  }

  /** Resolves when all that was added is acknowledged, or rejects with what keeps it from being. */
  async flush(): Promise<void> {
    await this.#sending
    if (this.#done.length === 0) return
    const ids = this.#done.splice(0)
    await this.#group.acknowledge(ids)
    this.#onAcknowledged(ids)
  }

  async #send(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#done.length > 0) {
      const ids = this.#done.splice(0)
      try {
        await this.#group.acknowledge(ids)
        this.#onAcknowledged(ids)
      } catch (error) {
        this.#done.unshift(...ids)
        if (!(await this.#onFailure(error))) break
      }
    }
    this.#sending = undefined
  }
}
