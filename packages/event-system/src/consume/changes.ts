/** Lets somebody wait until something has changed. What changed, each looks for. */
export class Changes {
  readonly #waiting = new Set<() => void>()

  tell(): void {
    if (this.#waiting.size > 0) for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next change, or when the signal is aborted. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
