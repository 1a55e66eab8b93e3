import { type ConsumeOptions, type EventSystem, encodeEvent } from '@tradpal/event-system'
import { bullMqRate } from '../bullmq.ts'
import { marketDataBatch } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, rate, type Scenario } from '../measure.ts'

const COUNT = 100_000
const JOBS = 20_000
const BATCH = 1_000
/** What a consumer reads at once when it is told nothing else; the driver reads as much. */
const PREFETCH = 500

/** Consuming with acknowledgement by handlers that do nothing, shared event by event and by key. The peer parses the JSON of each payload too. */
export function consuming(log: BenchLog): Scenario {
  return {
    name: `consume-${log.kind}`,
    async run() {
      const shared = await consumed(log, { prefetch: PREFETCH })
      const ordered = await consumed(log, { prefetch: PREFETCH, ordering: 'key', shards: 8 })
      const raw = await log.raw()
      const bare = raw.consumeAll && (await bareRate(raw))
      await raw.close()
      const consumption: Comparison = {
        what: `library, ${log.kind}: consume and acknowledge`,
        unit: 'events/s',
        ours: shared,
        floor: 70_000,
        ...(bare !== undefined && { peer: `${raw.name} + JSON.parse`, theirs: bare, ratioFloor: 0.7 })
      }
      const inOrder: Comparison = {
        what: `library, ${log.kind}: consume in order by key, 8 shards`,
        unit: 'events/s',
        ours: ordered,
        peer: 'without order',
        theirs: shared,
        ...(bare !== undefined && { ratioFloor: 0.6 })
      }
      const jobs = log.url === undefined ? undefined : await bullMqRate(log.url, JOBS)
      const scale: Comparison[] =
        jobs === undefined ? [] : [{ ...consumption, peer: "BullMQ's worker, for scale", theirs: jobs }]
      return [consumption, inOrder, ...scale.map(({ floor, ratioFloor, ...rest }) => rest)]
    }
  }
}

/** Of all that is in a log, until the last one is handled and acknowledged. */
async function consumed(log: BenchLog, options: ConsumeOptions): Promise<number> {
  await using system = await log.system()
  for (let i = 0; i < COUNT / BATCH; i++) await system.publishBatch(marketDataBatch(BATCH))
  return await rate(COUNT, () => consume(system, COUNT, options))
}

/** From the start, until so many events are handled by a handler that does nothing, and acknowledged. */
export async function consume(system: EventSystem, count: number, options: ConsumeOptions = {}): Promise<void> {
  let handled = 0
  const all = Promise.withResolvers<void>()
  system.registerHandler('*', () => {
    if (++handled === count) all.resolve()
  })
  const consumer = await system.startConsuming({ group: 'bench', from: 'start', ...options })
  await all.promise
  await consumer.close()
}

async function bareRate(raw: Awaited<ReturnType<BenchLog['raw']>>): Promise<number | undefined> {
  for (let i = 0; i < COUNT / BATCH; i++) await raw.appendMany(marketDataBatch(BATCH).map(encodeEvent))
  return rate(COUNT, async () => raw.consumeAll?.(PREFETCH, JSON.parse))
}
