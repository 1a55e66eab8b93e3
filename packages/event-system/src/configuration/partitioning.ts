import type { EnvironmentReader } from './environment.ts'

/** Refuses `EVENT_PARTITIONING=type`, which an earlier version knew: a log in Redis is one stream. */
export function refusePartitioning(read: EnvironmentReader, redisUrl: string | undefined, isElsewhere: boolean): void {
  if (redisUrl === undefined || isElsewhere) return
  if (read.choice('partitioning', undefined, 'EVENT_PARTITIONING', ['none', 'type']) === 'none') return
  read.wrong(
    'EVENT_PARTITIONING=type, a stream for each event type, is not available in this version: leave it out, or say none.'
  )
}
