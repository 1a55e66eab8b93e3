import type { PlanOptions } from './plan.ts'

/** A run of the fault suite. */
export interface RunOptions extends Pick<PlanOptions, 'log' | 'seed' | 'durationMs'> {
  readonly ordering: 'key' | 'none'
}

/** What the processes of a run are told. */
export interface ProcessSettings {
  /** A redis:// address, or the path of a file. */
  readonly place: string
  readonly diary: string
  readonly ordering: 'key' | 'none'
  readonly name: string
  readonly seed: number
  readonly durationMs: number
}

export const LEASE_MS = 1_000
export const STREAM = 'faults'
export const GROUP = 'handlers'
export const KEYS = Array.from({ length: 200 }, (_, i) => `KEY${i}`)
export const EVENTS_PER_SECOND = 2_000

/** The options of the event system of a process, or of the run itself. */
export function systemOptions(place: string) {
  const log = place.startsWith('redis://') ? { redisUrl: place, streamName: STREAM } : { logPath: place }
  return { ...log, timeoutMs: 2_000, environment: {} }
}
