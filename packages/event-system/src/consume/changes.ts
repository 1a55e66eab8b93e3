interface Waiter {
  readonly isOver: () => boolean
  readonly goOn: () => void
}

/** Lets others wait for a condition on a state that changes. */
export class Changes {
  readonly #waiters = new Set<Waiter>()
  /** Each is listened to once, for all who wait with it: thousands wait in a second. */
  readonly #signals = new WeakSet<AbortSignal>()

  /** The state has changed: those whose condition holds go on. */
  tell(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isOver()) continue
      this.#waiters.delete(waiter)
      waiter.goOn()
    }
  }

  /** Resolves as soon as the condition holds, or when the signal is aborted. */
  when(condition: () => boolean, signal: AbortSignal): Promise<void> {
    if (condition() || signal.aborted) return Promise.resolve()
    if (!this.#signals.has(signal)) {
      this.#signals.add(signal)
      signal.addEventListener('abort', () => this.tell(), { once: true })
    }
    return new Promise((goOn) => this.#waiters.add({ isOver: () => signal.aborted || condition(), goOn }))
  }
}
