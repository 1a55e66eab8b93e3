import { type Event, encodeEvent } from '@tradpal/event-system'
import { bullMqAddRate } from '../bullmq.ts'
import { marketDataBatch } from '../events.ts'
import { ioredisRate } from '../ioredis.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, quantile, rate, ratesInTurns, type Scenario } from '../measure.ts'

/** So many before the measured ones, where each takes so short that compiling the code would be a part of the figure. */
const WARM_UP = 2_000
const FLOORS = { sqlite: 150_000, redis: 100_000 }
const JOBS = 20_000

const IN_THE_WAY = `Each publish is one script that looks for the event id in the two hashes of deduplication, appends, and
remembers the id: 18 to 23 µs of the server, against 3.5 µs of a bare XADD, in a round trip of 130 to 190 µs; and the event is
checked and written as JSON, which the peer is given ready.`

/** Publishing by the library: one after another, many at once, in batches. */
export function publishing(log: BenchLog): Scenario {
  return {
    name: `publish-${log.kind}`,
    async run() {
      const comparisons: Comparison[] = []
      comparisons.push(...(await oneByOne(log, 10_000)))
      comparisons.push(...(await concurrent(log, 1_000, 100)))
      comparisons.push(await batches(log, 100, 600))
      return comparisons
    }
  }
}

async function oneByOne(log: BenchLog, count: number): Promise<Comparison[]> {
  const events = marketDataBatch(count)
  const payloads = events.map(encodeEvent)
  const raw = await log.raw()
  await using system = await log.system()
  for (const event of marketDataBatch(WARM_UP)) await system.publishEvent(event)
  for (const event of marketDataBatch(WARM_UP)) await raw.appendOne(encodeEvent(event))
  const latencies = new Float64Array(count)
  const { ours, theirs } = await ratesInTurns(count, 1_000, {
    async ours(from, to) {
      for (let i = from; i < to; i++) {
        const started = performance.now()
        await system.publishEvent(events[i] as Event)
        latencies[i] = performance.now() - started
      }
    },
    async theirs(from, to) {
      for (let i = from; i < to; i++) await raw.appendOne(payloads[i] as string)
    }
  })
  await raw.close()
  const what = `library, ${log.kind}: publish one after another`
  const floors = log.kind === 'redis' ? [{ ratioFloor: 0.8, inTheWay: IN_THE_WAY }, { floor: 1 }] : []
  return [
    { what, unit: 'events/s', ours, peer: raw.name, theirs, ...floors[0] },
    { what: `${what}, p50`, unit: 'ms', ours: quantile(latencies, 0.5), ...floors[1] }
  ]
}

/** Publishers that each publish, wait, and publish again. */
async function concurrent(log: BenchLog, publishers: number, each: number): Promise<Comparison[]> {
  const count = publishers * each
  const events = marketDataBatch(count)
  await using system = await log.system()
  const ours = await rate(count, () =>
    Promise.all(
      Array.from({ length: publishers }, async (_, p) => {
        for (let i = 0; i < each; i++) await system.publishEvent(events[p * each + i] as (typeof events)[0])
      })
    )
  )
  const raw = await log.raw()
  const payloads = events.map(encodeEvent)
  const theirs = await rate(count, async () => {
    for (let i = 0; i < each; i++) await raw.appendConcurrently(payloads.slice(i * publishers, (i + 1) * publishers))
  })
  await raw.close()
  const what = `library, ${log.kind}: publish, ${publishers.toLocaleString('en')} concurrent publishers`
  const published: Comparison = { what, unit: 'events/s', ours }
  const ofRaw = { ...published, peer: raw.name, theirs, floor: FLOORS[log.kind] }
  if (log.url === undefined) return [ofRaw]
  const pipelined = await ioredisRate(log.url, payloads, publishers)
  const jobs = await bullMqAddRate(log.url, JOBS)
  return [
    ofRaw,
    { ...published, peer: 'ioredis with auto-pipelining, no checks', theirs: pipelined, ratioFloor: 1 },
    { ...published, peer: "BullMQ's addBulk", theirs: jobs, ratioFloor: 3 }
  ]
}

async function batches(log: BenchLog, size: number, howMany: number): Promise<Comparison> {
  const events = marketDataBatch(size * howMany)
  const payloads = events.map(encodeEvent)
  await using system = await log.system()
  const ours = await rate(events.length, async () => {
    for (let i = 0; i < howMany; i++) await system.publishBatch(events.slice(i * size, (i + 1) * size))
  })
  const raw = await log.raw()
  const theirs = await rate(events.length, async () => {
    for (let i = 0; i < howMany; i++) await raw.appendMany(payloads.slice(i * size, (i + 1) * size))
  })
  await raw.close()
  const what = `library, ${log.kind}: publish in batches of ${size}`
  const floor = log.kind === 'redis' ? { ratioFloor: 0.7 } : {}
  return { what, unit: 'events/s', ours, peer: raw.name, theirs, ...floor }
}
