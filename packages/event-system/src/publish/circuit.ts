import { type Clock, EventSystemError, isRetryable } from '@tradpal/events'
import { BrokenCircuitError, CircuitState, CountBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import type { Logger } from '../runtime/index.ts'

/** The circuit opens when more than half of the last so many calls failed, and never before so many were made. */
const WINDOW = { threshold: 0.5, size: 8, minimumNumberOfCalls: 5 }
/** Then the log is asked again after so long, in ms, by one call. */
const ASK_AGAIN_MS = 500

/**
 * A breaker before the log (Michael Nygard, "Release It!"): when most calls fail, because the log is away or does not
 * answer, the others are not sent, and nobody waits for a timeout.
 */
export class Circuit {
  readonly #policy = circuitBreaker(handleWhen(isFailureOfTheLog), {
    halfOpenAfter: ASK_AGAIN_MS,
    breaker: new CountBreaker(WINDOW)
  })
  #lastError: unknown
  #openSince: number | undefined

  constructor(logger: Logger, clock: Clock) {
    this.#policy.onBreak(() => {
      if (this.#openSince === undefined) {
        logger.error({ err: this.#lastError }, 'the log fails: publishes are not sent until it answers again')
      }
      this.#openSince ??= clock.now()
    })
    this.#policy.onReset(() => {
      logger.info({ afterMs: clock.now() - (this.#openSince ?? clock.now()) }, 'the log answers again')
      this.#openSince = undefined
    })
  }

  /** False from when most calls fail until one succeeds. */
  get isClosed(): boolean {
    return this.#policy.state === CircuitState.Closed
  }

  /** What the log said last when it failed. Undefined when it never did. */
  get reason(): string | undefined {
    return this.#lastError === undefined ? undefined : sentenceOf(this.#lastError)
  }

  /** Runs a call of the log. Rejects with `log_unavailable`, unsent, while the circuit is open. */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#policy.execute(call)
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw new CircuitOpenError(this.#lastError)
      this.#lastError = error
      throw error
    }
  }
}

/** One that moves answers, and is there in a moment. */
function isFailureOfTheLog(error: unknown): boolean {
  return isRetryable(error) && !(error instanceof EventSystemError && error.code === 'log_moved')
}

/** A call was not sent, because the log has just failed again and again. */
export class CircuitOpenError extends EventSystemError {
  constructor(cause: unknown) {
    super('log_unavailable', `The log fails, and is not asked for a moment; nothing was sent. ${sentenceOf(cause)}`, {
      cause
    })
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
