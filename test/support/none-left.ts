import { setTimeout as pause } from 'node:timers/promises'

/** As long as fewer are left than before, it is waited for, however slow the machine is. With no progress for this time, in ms, it fails. */
const NO_PROGRESS_MS = 60_000
const PAUSE_MS = 100

/** Resolves when `countLeft` says 0. What it throws counts as not yet. */
export async function noneLeft(what: string, countLeft: () => number | Promise<number>): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  let progressAt = performance.now()
  for (;;) {
    const left = await Promise.resolve()
      .then(countLeft)
      .catch(() => Number.POSITIVE_INFINITY)
    if (left === 0) return
    if (left < least) {
      least = left
      progressAt = performance.now()
    }
    if (performance.now() - progressAt > NO_PROGRESS_MS) {
      throw new Error(`${what}: ${least} are left, and none was done for ${NO_PROGRESS_MS} ms`)
    }
    await pause(PAUSE_MS)
  }
}
