import { backoffMs, type Clock, EventSystemError } from '@tradpal/events'
import type { Logger } from '../runtime/index.ts'

const BACKOFF = { initialMs: 50, maxMs: 2_000 }

export interface RecoveryParts {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** Aborted when the consumer closes: nothing is tried again then. */
  readonly signal: AbortSignal
  /** Called when the log says that the group is not there (any more). */
  readonly onGroupGone: () => Promise<void>
}

/** What a consumer does when a call to the log fails: it says so once, waits, longer each time, and tries again. */
export class Recovery {
  readonly #parts: RecoveryParts
  #failures = 0

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  /** Runs one call to the log. When it fails, waits before the caller may go on: resolves to whether it succeeded. */
  async attempt(call: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      this.#failures = 0
      return true
    } catch (error) {
      await this.after(call, error)
      return false
    }
  }

  /** Waits out a failure. Resolves to whether to go on. */
  async after(call: string, error: unknown): Promise<boolean> {
    const { signal, logger, random, onGroupGone } = this.#parts
    if (signal.aborted) return false
    if (this.#failures++ === 0) logger.warn({ call, err: error }, 'the log failed; consuming waits and tries again')
    if (error instanceof EventSystemError && error.code === 'not_found') await onGroupGone()
    return this.pause(backoffMs(this.#failures, BACKOFF, random))
  }

  /** Resolves to false as soon as the consumer closes. */
  pause(ms: number): Promise<boolean> {
    const { clock, signal } = this.#parts
    return clock.sleep(ms, signal).then(
      () => true,
      () => false
    )
  }
}
