import type { EventSystem } from '@tradpal/event-system'
import { marketData } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, quantile, type Scenario } from '../measure.ts'

const RATE = 5_000
/** The first second is not counted: the code is being compiled. */
const WARM_UP_SECONDS = 1
const SECONDS = 5

/** From the call of publishEvent to the handler, at a steady 5,000 events a second. */
export function delivery(log: BenchLog): Scenario {
  return {
    name: `delivery-${log.kind}`,
    async run() {
      await using system = await log.system()
      const latencies = await measure(system)
      return [
        { share: 0.5, name: 'p50' },
        { share: 0.99, name: 'p99', floor: 10 },
        { share: 0.999, name: 'p99.9' }
      ].map(
        ({ share, name, floor }): Comparison => ({
          what: `library, ${log.kind}: publish to handler at 5,000/s, ${name}`,
          unit: 'ms',
          ours: quantile(latencies, share),
          ...(floor === undefined ? {} : { floor })
        })
      )
    }
  }
}

async function measure(system: EventSystem): Promise<Float64Array> {
  const total = RATE * SECONDS
  const sentAt = new Map<string, number>()
  const latencies = new Float64Array(total)
  let handled = 0
  const all = Promise.withResolvers<void>()
  system.registerHandler('*', ({ eventId }) => {
    latencies[handled++] = performance.now() - (sentAt.get(eventId) ?? Number.NaN)
    sentAt.delete(eventId)
    if (handled === total) all.resolve()
  })
  await system.startConsuming({ group: 'bench' })
  const started = performance.now()
  const publishes: Promise<unknown>[] = []
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - started) / 1_000) * RATE))
    for (; sent < due; sent++) {
      const event = marketData(sent)
      sentAt.set(event.eventId, performance.now())
      publishes.push(system.publishEvent(event))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(publishes)
  await all.promise
  return latencies.subarray(RATE * WARM_UP_SECONDS)
}
