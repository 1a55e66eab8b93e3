import type { EventLog, LogInfo, MessageId } from '../log/index.ts'

/** How the log stands. */
export interface EventSystemStats extends LogInfo {
  /** `sqlite`, `redis`. */
  readonly log: string
  /** Where the log is, without secrets. */
  readonly location: string
  /** Of all groups. */
  readonly deadLetters: number
  /** When the first and the last entry were taken, ms since the epoch. */
  readonly firstAt: number | null
  readonly lastAt: number | null
}

export function statsOf(info: LogInfo, deadLetters: number, log: EventLog): EventSystemStats {
  const timeOf = (id: MessageId | null) => (id === null ? null : log.timeOf(id))
  return {
    ...info,
    deadLetters,
    log: log.kind,
    location: log.location,
    firstAt: timeOf(info.firstId),
    lastAt: timeOf(info.lastId)
  }
}
