import type { EnvironmentReader } from './environment.ts'

/** Refuses `EVENT_PARTITIONING=type`, which an earlier version knew: a log in Redis is one stream. Another log than the environment's (`isElsewhere`) is not asked. */
export function refusePartitioning(read: EnvironmentReader, isElsewhere: boolean): void {
  if (isElsewhere) return
  if (read.choice('partitioning', undefined, 'EVENT_PARTITIONING', ['none', 'type']) === 'none') return
  read.wrong(
    'EVENT_PARTITIONING=type, a stream for each event type, is not available in this version: leave it out, or say none.'
  )
}
