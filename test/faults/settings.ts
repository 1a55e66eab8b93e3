import { EventType } from '@tradpal/event-system'
import type { PlanOptions } from './plan.ts'

/** What is run. */
export interface Subject extends Pick<PlanOptions, 'log'> {
  readonly ordering: 'key' | 'none'
  /** Of a log in Redis. Default `none`. */
  readonly partitioning?: 'none' | 'type'
}

/** A run of the fault suite. */
export interface RunOptions extends Subject, Pick<PlanOptions, 'seed' | 'durationMs'> {}

export const SUBJECTS: Readonly<Record<string, Subject>> = {
  'redis-key': { log: 'redis', ordering: 'key' },
  'sqlite-key': { log: 'sqlite', ordering: 'key' },
  'redis-none': { log: 'redis', ordering: 'none' },
  'redis-types-none': { log: 'redis', ordering: 'none', partitioning: 'type' },
  'sqlite-none': { log: 'sqlite', ordering: 'none' }
}

/** What the processes of a run are told. */
export interface ProcessSettings {
  /** A redis:// address, or the path of a file. */
  readonly place: string
  readonly diary: string
  readonly ordering: 'key' | 'none'
  readonly partitioning: 'none' | 'type'
  readonly name: string
  readonly seed: number
  readonly durationMs: number
}

export const LEASE_MS = 1_000
export const STREAM = 'faults'
export const GROUP = 'handlers'
export const KEYS = Array.from({ length: 200 }, (_, i) => `KEY${i}`)
export const EVENTS_PER_SECOND = 2_000
/** The events of a key are of these types in turn. Their data have fields of the test's own. */
export const TYPES: readonly string[] = [EventType.MARKET_DATA_UPDATE, EventType.FEATURE_VECTOR_UPDATE]
/** What handlers publish. */
export const EFFECT: string = EventType.PORTFOLIO_UPDATE

/** The options of the event system of a process, or of the run itself. */
export function systemOptions({ place, partitioning }: Pick<ProcessSettings, 'place' | 'partitioning'>) {
  const log = place.startsWith('redis://') ? { redisUrl: place, streamName: STREAM, partitioning } : { logPath: place }
  return { ...log, timeoutMs: 2_000, environment: {} }
}
