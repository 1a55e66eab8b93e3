import type { EventSystem } from '@tradpal/event-system'
import { marketData } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'

const FIRST = 1_000_000
const ALL = 5_000_000
const PUBLISHERS = 1_000
/** So much of the log is kept: its own memory is not what is measured. */
const KEPT = 100_000

/** By how much the heap of a publisher grows from its first million events to the fifth. */
export async function flat(log: BenchLog): Promise<Comparison[]> {
  await using system = await log.system()
  await publish(system, 0, FIRST)
  const before = heapMb()
  for (let from = FIRST; from < ALL; from += FIRST) await publish(system, from, from + FIRST)
  const ours = Math.max(0, heapMb() - before)
  return [{ what: `library, ${log.kind}: heap that 4,000,000 further publishes take`, unit: 'MB', ours, floor: 10 }]
}

async function publish(system: EventSystem, from: number, to: number): Promise<void> {
  let next = from
  const publisher = async () => {
    while (next < to) await system.publishEvent(marketData(next++))
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher))
  await system.storage.log.trim({ maxLength: KEPT }, { force: true })
}

/** After a collection. */
function heapMb(): number {
  if (gc === undefined) throw new Error('This process was not started with --expose-gc.')
  gc()
  return process.memoryUsage().heapUsed / 1_000_000
}
