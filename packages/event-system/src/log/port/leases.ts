/** A lease that a holder has. */
export interface Lease {
  readonly name: string
  readonly holder: string
  /** Grows each time that the lease goes to another holder. */
  readonly token: number
  /** When it ends unless the holder takes it again, in ms from now. */
  readonly expiresInMs: number
}

export interface LeaseTerms {
  /** Who takes it: 1 to 200 characters. Two processes must not have the same name. */
  readonly holder: string
  /** How long it lasts, in ms, from 1 to 86,400,000, by the clock of the log. */
  readonly ttlMs: number
}

/**
 * Named ownership among all that open the log: of those that ask for a lease, one has it until it ends. A holder takes it
 * again before it ends, to keep it. A lease ends by itself when its holder dies. Names have 1 to 500 characters, and a call takes
 * at most 2,000. The token of a lease only grows, also where the log lost what it knew of leases: it follows the clock.
 */
export interface Leases {
  /**
   * Takes each lease that is free, has ended, or is the holder's own, in one step. Resolves to the token of each, in the same
   * order, and to `undefined` for one that another holder has. The holder's own keeps its token, also where it had ended and
   * nobody else took it. Rejects with `invalid_argument`.
   */
  acquire(names: readonly string[], terms: LeaseTerms): Promise<(number | undefined)[]>
  /** Ends those of the leases that the holder has. Rejects with `invalid_argument`. */
  release(names: readonly string[], holder: string): Promise<void>
  /** The leases that somebody has now and whose names begin with `prefix`, by name. */
  list(prefix: string): Promise<readonly Lease[]>
}
