import { type Clock, EventSystemError } from '@tradpal/events'

interface Sleeper {
  readonly wakeAt: number
  readonly wake: () => void
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  readonly #sleepers = new Set<Sleeper>()

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
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const sleeper: Sleeper = { wakeAt: this.#now + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** How many calls of `sleep` wait for their time. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /**
   * Moves time forward and wakes those whose time has come, in the order of their times and each at its own; who sleeps
   * until the same instant wakes in the order of the calls. Throws `invalid_argument` for a time that is not forward.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new EventSystemError('invalid_argument', `A clock goes forward by 0 ms or more, got ${ms}.`)
    const until = this.#now + ms
    for (let due = this.#next(until); due !== undefined; due = this.#next(until)) {
      this.#sleepers.delete(due)
      this.#now = Math.max(this.#now, due.wakeAt)
      due.wake()
      // What woke may go to sleep again before `until`: let it run.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#now = until
  }

  #next(until: number): Sleeper | undefined {
    return [...this.#sleepers].filter(({ wakeAt }) => wakeAt <= until).sort((a, b) => a.wakeAt - b.wakeAt)[0]
  }
}
