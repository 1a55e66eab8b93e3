import type { EventLog, LogInfo } from '../log/index.ts'

/** How the log stands. */
export interface EventSystemStats extends LogInfo {
  /** `sqlite`, `redis`. */
  readonly log: string
  /** Where the log is, without secrets. */
  readonly location: string
  /** Of all groups. */
  readonly deadLetters: number
}

export function statsOf(info: LogInfo, deadLetters: number, log: EventLog): EventSystemStats {
  return { ...info, deadLetters, log: log.kind, location: log.location }
}
