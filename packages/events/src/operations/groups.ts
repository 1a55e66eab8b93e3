/** How a group is pulled: the same for all who pull from it. Its first pull sets it, and an operator changes it. */
export interface PullSettings {
  /** The event types that are delivered, sorted; the group acknowledges the others. `null`: all types are. */
  readonly eventTypes: readonly string[] | null
  /** An event that failed this often goes to the dead letters. */
  readonly maxAttempts: number
}

/** The changes of an operator, at least one. */
export interface PullSettingsChange {
  /** The event types to deliver; `null` or `*` for all types. */
  readonly eventTypes?: readonly string[] | null
  /** 1 to 1,000. */
  readonly maxAttempts?: number
}

/** An entry that was handed out and not yet acknowledged. */
export interface PendingEvent {
  readonly messageId: string
  /** When the log took it, ms since the epoch. */
  readonly at: number
  /** The consumer that holds it. Empty when none does. */
  readonly consumer: string
  /** Since it was last handed out or extended, in ms. */
  readonly idleMs: number
  /** How many times it was handed out. */
  readonly deliveries: number
  /** How often its handlers have failed. */
  readonly failures: number
  /** Their last error. `null` when none has failed. */
  readonly lastError: string | null
  /** When it is tried again, ms since the epoch. `null` when it does not wait for that. */
  readonly dueAt: number | null
}

export interface GroupChangeOptions {
  /** Also while members live, or entries are pending. Default false. */
  readonly force?: boolean
}
