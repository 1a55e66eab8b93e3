interface Waiter {
  readonly condition: () => boolean
  readonly wake: () => void
}

/** Lets others wait for a condition on a state that changes. */
export class Changes {
  readonly #waiters = new Set<Waiter>()

  /** The state has changed: those whose condition holds go on. */
  tell(): void {
    for (const { condition, wake } of this.#waiters) if (condition()) wake()
  }

  /** Resolves as soon as the condition holds, or when the signal is aborted. */
  when(condition: () => boolean, signal: AbortSignal): Promise<void> {
    if (condition() || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#waiters.delete(waiter)
        resolve()
      }
      const waiter = { condition, wake }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
