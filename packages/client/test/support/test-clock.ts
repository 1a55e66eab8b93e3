import type { Clock } from '@tradpal/events'

/** Waits at least as long as this are deadlines, which a test lets pass; shorter ones are pauses between attempts. */
export const DEADLINE_MS = 60_000

/** Time that moves by what is slept: pauses pass at once and are recorded, deadlines wait for `passDeadlines()`. */
export class TestClock implements Clock {
  readonly pauses: number[] = []
  readonly #deadlines = new Map<() => void, number>()
  #now = Date.UTC(2026, 10, 23, 8, 49, 10)

  now(): number {
    return this.#now
  }

  get deadlines(): number[] {
    return [...this.#deadlines.values()]
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw signal.reason
    if (ms >= DEADLINE_MS) return await this.#deadline(ms, signal)
    this.pauses.push(ms)
    this.#now += ms
  }

  passDeadlines(): void {
    for (const [pass, ms] of this.#deadlines) {
      this.#now += ms
      pass()
    }
  }

  #deadline(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const pass = () => {
        this.#deadlines.delete(pass)
        resolve()
      }
      this.#deadlines.set(pass, ms)
      signal?.addEventListener('abort', () => {
        this.#deadlines.delete(pass)
        reject(signal.reason)
      })
    })
  }
}
