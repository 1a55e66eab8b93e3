import { setTimeout as pause } from 'node:timers/promises'

/** With no progress for this time, in ms, it fails: a slow machine has time, and what is stuck has not. */
const NO_PROGRESS_MS = 60_000
/** Whatever the progress, it fails after this time, in ms: it may go round in a circle. */
const AT_MOST_MS = 900_000
const PAUSE_MS = 100

/** How far something is. `done` grows with it. */
export interface Standing {
  readonly left: number
  readonly done: number
}

/** Resolves when nothing is left. What `look` throws counts as not yet. */
export async function noneLeft(what: string, look: () => Standing | Promise<Standing>): Promise<void> {
  const startedAt = performance.now()
  let most = Number.NEGATIVE_INFINITY
  let progressAt = startedAt
  for (;;) {
    const standing = await Promise.resolve()
      .then(look)
      .catch(() => undefined)
    if (standing?.left === 0) return
    const now = performance.now()
    if (standing !== undefined && standing.done > most) {
      most = standing.done
      progressAt = now
    }
    if (now - progressAt > NO_PROGRESS_MS || now - startedAt > AT_MOST_MS) {
      const seconds = Math.round((now - progressAt) / 1_000)
      throw new Error(`${what}: ${standing?.left ?? 'an unknown number'} are left, and none was done for ${seconds} s`)
    }
    await pause(PAUSE_MS)
  }
}
