import type { EventLog, LogInfo } from '../log/index.ts'

/** How the log stands. */
export interface EventSystemStats extends LogInfo {
  /** `sqlite`, `redis`. */
  readonly log: string
  /** Where the log is, without secrets. */
  readonly location: string
}

export function statsOf(info: LogInfo, log: EventLog): EventSystemStats {
  return { ...info, log: log.kind, location: log.location }
}
