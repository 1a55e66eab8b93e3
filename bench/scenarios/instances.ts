import { once } from 'node:events'
import { EventSystem } from '@tradpal/event-system'
import { marketDataBatch } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, rate } from '../measure.ts'
import { startProcess } from '../processes/start.ts'

const COUNT = 3_000

/** Two processes of a group, whose handlers take 1 ms, beside one. */
export async function instances(log: BenchLog): Promise<Comparison[]> {
  const theirs = await rateOf(1, log)
  const ours = await rateOf(2, log)
  const what = `library, ${log.kind}: consume in two processes, handlers of 1 ms`
  return [{ what, unit: 'events/s', ours, peer: 'one process', theirs, ratioFloor: 1.6 }]
}

async function rateOf(processes: number, log: BenchLog): Promise<number> {
  await (await log.raw()).close()
  const environment = log.environment()
  const consumers = await Promise.all(Array.from({ length: processes }, () => startProcess('consumer.ts', environment)))
  await using system = new EventSystem({ environment })
  await system.initialize()
  try {
    return await rate(COUNT, async () => {
      await system.publishBatch(marketDataBatch(COUNT))
      await allAreDone(system)
    })
  } finally {
    for (const { child } of consumers) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
}

async function allAreDone(system: EventSystem): Promise<void> {
  for (;;) {
    const { pending, lag } = await system.groups.get('bench')
    if (pending === 0 && lag === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
