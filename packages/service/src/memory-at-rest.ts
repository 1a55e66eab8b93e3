import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_EVERY_MS = 5_000
/** A process whose event loop was busy for a smaller share of the time is at rest. */
const AT_REST = 0.05
/** It is worth a collection when the heap has grown by such a factor since the last one. */
const WORTHWHILE_GROWTH = 1.25

type Collect = (options: { type: 'major'; flavor: 'last-resort' }) => void

/**
 * Gives memory back to the machine while the process is at rest. V8 keeps the heap that a load has made it take, mostly
 * empty, for as long as nobody asks: a collection of the last resort does. It takes some ten milliseconds, in which
 * nothing else runs, and comes once after a load.
 */
export function giveMemoryBackAtRest(): void {
  const collect = exposedCollect()
  let before = performance.eventLoopUtilization()
  let settledBytes = 0
  setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > AT_REST || process.memoryUsage().heapTotal < settledBytes * WORTHWHILE_GROWTH) return
    collect({ type: 'major', flavor: 'last-resort' })
    settledBytes = process.memoryUsage().heapTotal
  }, LOOK_EVERY_MS).unref()
}

/** V8 shows its collector to a context that is made while the flag is set. */
function exposedCollect(): Collect {
  setFlagsFromString('--expose-gc')
  const collect: Collect = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return collect
}
