import type { Clock } from '@tradpal/events'

/** Waits. Resolves to whether the time has passed: to false as soon as the signal is aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => !signal.aborted,
    () => false
  )
}
