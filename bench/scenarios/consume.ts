import { type ConsumeOptions, type EventSystem, encodeEvent } from '@tradpal/event-system'
import { bullMqRate } from '../bullmq.ts'
import { marketDataBatch } from '../events.ts'
import type { BenchLog, RawDriver } from '../logs.ts'
import { type Comparison, type Scenario, spentMs } from '../measure.ts'

/** So many events are consumed in each turn; the first turns, in which the code is compiled, are not counted. */
const TURN = 40_000
const WARM_UP_TURNS = 3
const TURNS = 5
const JOBS = 20_000
const BATCH = 1_000
/** What a consumer reads at once when it is told nothing else; the driver reads as much. */
const PREFETCH = 500

const IN_THE_WAY = `A bare loop parses and acknowledges, once compiled in 5 µs an event. Here each is also checked (its numbers, its
envelope, its type), has a context of its own to publish and to be cancelled in, and its hold is looked at when it is acknowledged.`

/** Consuming with acknowledgement by handlers that do nothing, shared event by event and by key, in turns. The peer parses the JSON of each payload too. */
export function consuming(log: BenchLog): Scenario {
  return {
    name: `consume-${log.kind}`,
    async run() {
      const { shared, ordered, bare } = await rates(log)
      const consumption: Comparison = {
        what: `library, ${log.kind}: consume and acknowledge`,
        unit: 'events/s',
        ours: shared,
        floor: 70_000,
        ...(bare !== undefined && {
          peer: 'redis client + JSON.parse',
          theirs: bare,
          ratioFloor: 0.7,
          inTheWay: IN_THE_WAY
        })
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
      return [consumption, inOrder, ...scale.map(({ floor, ratioFloor, inTheWay, ...rest }) => rest)]
    }
  }
}

/** Events per second. `bare` is the driver's, where it knows groups. */
async function rates(log: BenchLog): Promise<{ shared: number; ordered: number; bare: number | undefined }> {
  const raw = await log.raw()
  await using system = await log.system()
  const spent = { shared: 0, ordered: 0, bare: 0 }
  for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
    await fill(system, raw)
    const shared = await spentMs(() => consume(system, TURN, { group: 'shared', prefetch: PREFETCH }))
    const bare = await spentMs(async () => raw.consumeAll?.(PREFETCH, JSON.parse))
    const ordered = await spentMs(() =>
      consume(system, TURN, { group: 'ordered', prefetch: PREFETCH, ordering: 'key', shards: 8 })
    )
    if (turn < WARM_UP_TURNS) continue
    spent.shared += shared
    spent.ordered += ordered
    spent.bare += bare
  }
  await raw.close()
  const rateOf = (ms: number) => ((TURNS * TURN) / ms) * 1_000
  const bare = raw.consumeAll === undefined ? undefined : rateOf(spent.bare)
  return { shared: rateOf(spent.shared), ordered: rateOf(spent.ordered), bare }
}

async function fill(system: EventSystem, raw: RawDriver): Promise<void> {
  for (let i = 0; i < TURN / BATCH; i++) {
    const events = marketDataBatch(BATCH)
    await system.publishBatch(events)
    if (raw.consumeAll !== undefined) await raw.appendMany(events.map(encodeEvent))
  }
}

/** From where the group is, at first the start, until so many events are handled by a handler that does nothing, and acknowledged. */
export async function consume(system: EventSystem, count: number, options: ConsumeOptions = {}): Promise<void> {
  let handled = 0
  const all = Promise.withResolvers<void>()
  const takeBack = system.registerHandler('*', () => {
    if (++handled === count) all.resolve()
  })
  const consumer = await system.startConsuming({ group: 'bench', from: 'start', ...options })
  await all.promise
  await consumer.close()
  takeBack()
}
