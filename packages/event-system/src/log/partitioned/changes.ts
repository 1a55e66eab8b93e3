/** Tells a reader that waits that it is to look again. */
export class Changes {
  #next = Promise.withResolvers<void>()

  tell(): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers<void>()
  }

  /** Resolves with the next change. Take it before the look at what may change. */
  next(): Promise<void> {
    return this.#next.promise
  }
}

/** Resolves with the promise, when the time is up, or when the signal is aborted. */
export function whicheverFirst(promise: Promise<void>, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, waitMs)
    signal?.addEventListener('abort', finish)
    if (signal?.aborted) finish()
    void promise.then(finish)
  })
}
