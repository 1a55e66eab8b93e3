/** How long to wait between attempts. */
export interface BackoffOptions {
  /** The longest wait before the second attempt, in ms. It doubles with each further one. Default 100. */
  readonly initialMs?: number
  /** The longest wait of all, in ms. Default 30,000. */
  readonly maxMs?: number
}

export const DEFAULT_BACKOFF = { initialMs: 100, maxMs: 30_000 } as const

/**
 * Milliseconds to wait after the `attempt`-th attempt failed, counted from 1: exponential with full jitter, which spreads
 * the retries of many over the whole wait (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function backoffMs(attempt: number, options: BackoffOptions = {}, random: () => number = Math.random): number {
  const { initialMs, maxMs } = { ...DEFAULT_BACKOFF, ...options }
  return random() * Math.min(maxMs, initialMs * 2 ** (attempt - 1))
}
