import type { LogInfo, Storage } from '../log/index.ts'

/** How the log stands. */
export interface EventSystemStats extends LogInfo {
  /** `sqlite`, `redis`. */
  readonly log: string
  /** Where the log is, without secrets. */
  readonly location: string
  /** Of all groups. */
  readonly deadLetters: number
}

export function statsOf(info: LogInfo, deadLetters: number, storage: Storage): EventSystemStats {
  return { ...info, deadLetters, log: storage.kind, location: storage.location }
}
