/** What a log took in a minute or an hour. */
export interface Rate {
  /** When it began, ms since the epoch. */
  readonly at: number
  /** Event type -> how many events. Types beyond 1,000 in a count, and longer than 200 characters, are counted as `(other)`. */
  readonly counts: Readonly<Record<string, number>>
}
