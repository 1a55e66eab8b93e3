import { once } from 'node:events'
import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'
import { startProcess } from '../processes/start.ts'

/** What a process with ten consumers takes of one core while nothing comes. */
export async function idling(log: BenchLog): Promise<Comparison[]> {
  const { child, said } = await startProcess('idler.ts', log.environment())
  await once(child, 'exit')
  return [{ what: `library, ${log.kind}: idle, 10 groups, of a core`, unit: '%', ours: Number(said), floor: 1 }]
}
