import { backoffMs, type Clock, EventSystemError } from '@tradpal/events'
import { type Logger, pause } from '../runtime/index.ts'

const BACKOFF = { initialMs: 50, maxMs: 2_000 }

export interface RecoveryParts {
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  /** Aborted when the consumer stops: nothing is tried again then. */
  readonly stop: AbortSignal
}

/** What a consumer does when a call to the log fails: it says so once, waits, longer each time, and tries again. */
export class Recovery {
  readonly #parts: RecoveryParts
  #failures = 0

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  /** Runs one call to the log. When it fails, waits before the caller may go on: resolves to whether it succeeded. A group that is gone is made again by `restore`. */
  async attempt(call: string, work: () => Promise<void>, restore?: () => Promise<boolean>): Promise<boolean> {
    try {
      await work()
      this.#failures = 0
      return true
    } catch (error) {
      if (restore !== undefined && isGone(error)) await this.#restore(restore)
      await this.after(call, error)
      return false
    }
  }

  /** Waits out a failure. Resolves to whether to go on. */
  async after(call: string, error: unknown): Promise<boolean> {
    const { stop, logger, random } = this.#parts
    if (stop.aborted) return false
    if (this.#failures++ === 0) logger.warn({ call, err: error }, 'the log failed; consuming waits and tries again')
    return this.pause(backoffMs(this.#failures, BACKOFF, random))
  }

  /** Resolves to false as soon as the consumer closes. */
  pause(ms: number): Promise<boolean> {
    return pause(this.#parts.clock, ms, this.#parts.stop)
  }

  /** Somebody dropped the group, or the whole log. Of its members, one makes it again, where it stood. */
  async #restore(restore: () => Promise<boolean>): Promise<void> {
    if (this.#parts.stop.aborted) return
    const isMade = await restore().catch(() => false)
    if (isMade) this.#parts.logger.error({}, 'the consumer group was gone and has been made again, where it stood')
  }
}

function isGone(error: unknown): boolean {
  return error instanceof EventSystemError && error.code === 'not_found'
}
