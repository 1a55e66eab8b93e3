/** What is added to a count, and how long a count lasts from its first addition. */
export interface Addition {
  /** Which count: 1 to 300 characters. */
  readonly key: string
  /** A whole number of at least 0. */
  readonly amount: number
  /** In ms, at least 1. Of a count that lasts already it changes nothing. */
  readonly windowMs: number
}

export interface Count {
  /** All that was added since the window began, this addition included. */
  readonly value: number
  /** In how many ms the window is over and the count begins anew: at least 1. */
  readonly resetsInMs: number
}

/**
 * Counts of a time, which all that open the log share: how much somebody has done in it, on any instance. A count begins with
 * the first addition and is gone by itself when its window is over. They are worth little: they may be lost with the log's
 * server, and an addition whose answer does not come in time is given up, whether or not it counted.
 */
export interface Counters {
  /** Adds to each of them in one step, and resolves to each count in the same order. Rejects with `invalid_argument`, and soon with `log_unavailable` or `log_timeout`: nobody should wait for a count. */
  add(additions: readonly Addition[]): Promise<Count[]>
}
