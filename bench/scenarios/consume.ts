import type { ConsumeOptions, EventSystem } from '@tradpal/event-system'
import { bullMqRate } from '../bullmq.ts'
import { type Contender, type Contenders, ratesOf } from '../contenders.ts'
import { marketDataBatch } from '../events.ts'
import { type BenchLog, rawEntryOf } from '../logs.ts'
import { type Comparison, spentMs } from '../measure.ts'

/** So many events are consumed in each turn. */
const TURN = 40_000
const JOBS = 20_000
const BATCH = 1_000
/** What a consumer reads at once when it is told nothing else; the driver reads as much. */
const PREFETCH = 500

const IN_THE_WAY = `A bare loop parses and acknowledges, once compiled in 5 µs an event. Here each is also checked (its numbers, its
envelope, its type), has a context of its own to publish and to be cancelled in, and its hold is looked at when it is acknowledged.`

/** Consuming with acknowledgement by handlers that do nothing, shared event by event and by key, in turns. The peer parses the JSON of each payload too. */
export async function consuming(log: BenchLog): Promise<Comparison[]> {
  const ways =
    log.kind === 'redis' ? ['consume', 'consume in order', 'consume by the driver'] : ['consume', 'consume in order']
  const [shared = 0, ordered = 0, bare] = await ratesOf(log.kind, ways, { warmUps: 3, turns: 6, each: TURN })
  const consumption: Comparison = {
    what: `library, ${log.kind}: consume and acknowledge`,
    unit: 'events/s',
    ours: shared,
    floor: 70_000,
    ...(bare !== undefined && {
      peer: `${log.driver} + JSON.parse`,
      theirs: bare,
      ratioFloor: 0.7,
      inTheWay: IN_THE_WAY
    })
  }
  const inOrder: Comparison = {
    what: `library, ${log.kind}: consume in order by key, 8 partitions`,
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

/** Those who consume: entry by entry, by key, and a driver that only parses what it reads. */
export const consumers: Contenders = {
  consume: (log) => consumer(log, { group: 'shared' }),
  'consume in order': (log) => consumer(log, { group: 'ordered', ordering: 'key', partitions: 8 }),
  async 'consume by the driver'(log) {
    const raw = await log.raw()
    return {
      async turn() {
        for (let i = 0; i < TURN / BATCH; i++) await raw.appendMany(marketDataBatch(BATCH).map(rawEntryOf))
        return spentMs(async () => raw.consumeAll?.(PREFETCH, JSON.parse))
      },
      close: () => raw.close()
    }
  }
}

async function consumer(log: BenchLog, options: ConsumeOptions): Promise<Contender> {
  const system = await log.system()
  return {
    async turn() {
      for (let i = 0; i < TURN / BATCH; i++) await system.publishBatch(marketDataBatch(BATCH))
      return spentMs(() => consume(system, TURN, { prefetch: PREFETCH, ...options }))
    },
    close: () => system.close()
  }
}

/** From where the group is, at first the start, until so many events are handled by a handler that does nothing, and acknowledged. */
async function consume(system: EventSystem, count: number, options: ConsumeOptions = {}): Promise<void> {
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
