import { ratesOf } from '../contenders.ts'
import { eventsWith, type Ids } from '../events.ts'
import { type BenchLog, rawEntryOf } from '../logs.ts'
import { type Comparison, quantile, spentMs } from '../measure.ts'
import { BATCH, BATCHES, CONCURRENT, PUBLISHERS } from '../publishers.ts'

/** So many before the measured ones: each takes so short that compiling the code would be a part of the figure. */
const WARM_UP = 20_000
const ONE_BY_ONE = 10_000
const ONE_BY_ONE_TURN = 1_000

const IDS: readonly Ids[] = ['own', 'random']
/** How a line of results names who made the ids. */
const NAMED: Readonly<Record<Ids, string>> = { own: '', random: ', random event ids' }

/** Publishing by the library: one after another, many at once, in batches. Its peers remember event ids as it does, but for one that says so. */
export async function publishing(log: BenchLog): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  for (const ids of IDS) comparisons.push(...(await oneByOne(log, ids)))
  comparisons.push(...(await concurrent(log)))
  for (const publishers of [1, 10] as const) comparisons.push(...(await batches(log, publishers)))
  return comparisons
}

/** One after another, each made just before it. */
async function oneByOne(log: BenchLog, ids: Ids): Promise<Comparison[]> {
  const raw = await log.raw()
  await using system = await log.system()
  for (const event of eventsWith(ids, WARM_UP)) await system.publishEvent(event)
  for (const event of eventsWith(ids, WARM_UP)) await raw.appendOne(rawEntryOf(event))
  const latencies = { ours: new Float64Array(ONE_BY_ONE), theirs: new Float64Array(ONE_BY_ONE) }
  for (let from = 0; from < ONE_BY_ONE; from += ONE_BY_ONE_TURN) {
    for (const [i, event] of eventsWith(ids, ONE_BY_ONE_TURN).entries()) {
      latencies.ours[from + i] = await spentMs(() => system.publishEvent(event))
    }
    for (const [i, event] of eventsWith(ids, ONE_BY_ONE_TURN).entries()) {
      latencies.theirs[from + i] = await spentMs(() => raw.appendOne(rawEntryOf(event)))
    }
  }
  await raw.close()
  const what = `library, ${log.kind}: publish one after another${NAMED[ids]}`
  const rates = { ours: rateOf(latencies.ours), theirs: rateOf(latencies.theirs) }
  const p50 = { ours: quantile(latencies.ours, 0.5), theirs: quantile(latencies.theirs, 0.5) }
  return [
    { what, unit: 'events/s', peer: log.remembering, ...rates },
    { what: `${what}, p50`, unit: 'ms', peer: log.remembering, ...p50, floor: 0.2 }
  ]
}

function rateOf(latencies: Float64Array): number {
  return (latencies.length / latencies.reduce((sum, ms) => sum + ms, 0)) * 1_000
}

/** The peers of other makers, all with random event ids, by the names of their contenders. */
const OTHERS: Readonly<Record<string, Pick<Comparison, 'peer' | 'ratioFloor'>>> = {
  'ioredis, random ids': { peer: 'ioredis: MULTI, XADD, HSET of the event id, EXEC' },
  'ioredis without memory, random ids': {
    peer: 'ioredis: XADD alone with auto-pipelining, no deduplication',
    ratioFloor: 1
  },
  'BullMQ, random ids': { peer: 'BullMQ: add, the event id is the job id' },
  'JetStream, random ids': { peer: 'NATS JetStream: publish, the event id is the Nats-Msg-Id' }
}

/** Publishers that each publish, wait, and publish again. */
async function concurrent(log: BenchLog): Promise<Comparison[]> {
  const others = log.url === undefined ? [] : Object.keys(OTHERS)
  const ours = IDS.flatMap((ids) => [`library, ${ids} ids`, `driver, ${ids} ids`])
  const rates = await ratesOf(log.kind, [...ours, ...others], CONCURRENT)
  const rateOfName = (name: string) => rates[[...ours, ...others].indexOf(name)] ?? Number.NaN
  const published = (ids: Ids): Comparison => ({
    what: `library, ${log.kind}: publish, ${PUBLISHERS.toLocaleString('en')} concurrent publishers${NAMED[ids]}`,
    unit: 'events/s',
    ours: rateOfName(`library, ${ids} ids`)
  })
  return [
    ...IDS.map((ids) => ({ ...published(ids), peer: log.remembering, theirs: rateOfName(`driver, ${ids} ids`) })),
    ...others.map((name) => ({ ...published('random'), ...OTHERS[name], theirs: rateOfName(name) }))
  ]
}

/** Publishers that each publish a batch as one unit, wait, and publish another; the driver sends a batch in one transaction. */
async function batches(log: BenchLog, publishers: 1 | 10): Promise<Comparison[]> {
  const by = publishers === 1 ? '' : ` by ${publishers}`
  const ways = IDS.flatMap((ids) => [`library, batches${by}, ${ids} ids`, `driver, batches${by}, ${ids} ids`])
  const rates = await ratesOf(log.kind, ways, BATCHES)
  const together = publishers === 1 ? '' : `, ${publishers} publishers`
  return IDS.map((ids, i) => ({
    what: `library, ${log.kind}: publish in batches of ${BATCH}${together}${NAMED[ids]}`,
    unit: 'events/s',
    ours: rates[2 * i] ?? Number.NaN,
    peer: log.remembering,
    theirs: rates[2 * i + 1] ?? Number.NaN
  }))
}
