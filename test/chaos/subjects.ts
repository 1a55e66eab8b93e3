import type { FaultKind } from './plan.ts'

/** What is run. */
export interface Subject {
  /** One server whose append-only file is synced at each write, or a master with a replica and sentinels. */
  readonly redis: 'alone' | 'sentinels'
  readonly deduplicationWindowMs: number
  /** Where the spools are: an ordinary folder, or a disk that is small and gets full. */
  readonly disk: 'ample' | 'small'
  readonly faults: readonly FaultKind[]
}

const OF_PROCESSES = ['kill a publisher', 'freeze a publisher', 'kill the service'] as const
const OF_THE_NETWORK = ['cut off', 'lose answers', 'delay', 'reset'] as const

export const SUBJECTS: Readonly<Record<string, Subject>> = {
  redis: {
    redis: 'alone',
    deduplicationWindowMs: 120_000,
    disk: 'ample',
    faults: ['kill Redis', 'freeze Redis', ...OF_PROCESSES, ...OF_THE_NETWORK]
  },
  // Outages are longer than the window. Redis is not frozen: what it has in its hands then, it may take up after the window.
  'short-window': {
    redis: 'alone',
    deduplicationWindowMs: 2_000,
    disk: 'ample',
    faults: ['kill Redis', 'kill a publisher', 'kill the service', 'cut off', 'lose answers', 'reset']
  },
  'full-disk': {
    redis: 'alone',
    deduplicationWindowMs: 120_000,
    disk: 'small',
    faults: ['kill Redis', 'fill the disk', 'kill a publisher', 'lose answers']
  },
  sentinels: {
    redis: 'sentinels',
    deduplicationWindowMs: 120_000,
    disk: 'ample',
    faults: ['kill Redis', 'kill a publisher', 'kill the service']
  }
}
