import { type ConsumeOptions, type EventSystem, encodeEvent } from '@tradpal/event-system'
import { bullMqRate } from '../bullmq.ts'
import { marketDataBatch } from '../events.ts'
import type { BenchLog } from '../logs.ts'
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

/** Events per second: `bare` of the driver, where it knows groups, in turns with `shared`; `ordered` by itself. */
async function rates(log: BenchLog): Promise<{ shared: number; ordered: number; bare: number | undefined }> {
  const raw = await log.raw()
  await using system = await log.system()
  const ours = async (options: ConsumeOptions) => {
    for (let i = 0; i < TURN / BATCH; i++) await system.publishBatch(marketDataBatch(BATCH))
    return spentMs(() => consume(system, TURN, { prefetch: PREFETCH, ...options }))
  }
  const theirs = async () => {
    if (raw.consumeAll === undefined) return 0
    for (let i = 0; i < TURN / BATCH; i++) await raw.appendMany(marketDataBatch(BATCH).map(encodeEvent))
    return spentMs(async () => raw.consumeAll?.(PREFETCH, JSON.parse))
  }
  const [shared, bare] = await inTurns(async () => [await ours({ group: 'shared' }), await theirs()])
  await system.log.group('ordered').create('end')
  const [ordered] = await inTurns(async () => [await ours({ group: 'ordered', ordering: 'key', shards: 8 })])
  await raw.close()
  const rateOf = (ms = Number.NaN) => ((TURNS * TURN) / ms) * 1_000
  return { shared: rateOf(shared), ordered: rateOf(ordered), bare: bare === 0 ? undefined : rateOf(bare) }
}

/** The sums of what each turn took, in ms, without those of the warm-up. */
async function inTurns(turn: () => Promise<number[]>): Promise<number[]> {
  for (let i = 0; i < WARM_UP_TURNS; i++) await turn()
  const sums: number[] = []
  for (let i = 0; i < TURNS; i++) for (const [way, ms] of (await turn()).entries()) sums[way] = (sums[way] ?? 0) + ms
  return sums
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
