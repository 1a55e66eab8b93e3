import type { Checkpoint, Log } from '../port.ts'

/** As {@link Log.compare}, of a log with a total order: only there a group can be cut by key. */
export function compareIn(log: Pick<Log, 'compare'>, a: Checkpoint, b: Checkpoint): number {
  return log.compare(a, b) as number
}
