import type { Clock } from '@tradpal/events'

interface Sleeper {
  readonly wakeAt: number
  readonly wake: () => void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  #sleepers: Sleeper[] = []

  /** Starts at `startMs`, ms since the epoch. Default 2026-01-01T00:00Z. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper: Sleeper = { wakeAt: this.#now + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal.reason)
      })
    })
  }

  /** How many calls of `sleep` wait for their time. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  /** Moves time forward and wakes, in the order of their time, those whose time has come, each at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      const due = this.#sleepers.filter(({ wakeAt }) => wakeAt <= until).sort((a, b) => a.wakeAt - b.wakeAt)[0]
      if (due === undefined) break
      this.#sleepers = this.#sleepers.filter((other) => other !== due)
      this.#now = Math.max(this.#now, due.wakeAt)
      due.wake()
      // What woke may go to sleep again before `until`: let it run.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#now = until
  }
}
