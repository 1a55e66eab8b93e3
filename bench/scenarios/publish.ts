import { type Event, type EventSystem, encodeEvent, toWire, type WireEvent } from '@tradpal/event-system'
import { bullMqAddRate } from '../bullmq.ts'
import { marketDataBatch } from '../events.ts'
import { ioredisRate } from '../ioredis.ts'
import type { BenchLog, RawDriver } from '../logs.ts'
import { type Comparison, quantile, rate, ratesInTurns, type Scenario } from '../measure.ts'
import { natsRate } from '../nats.ts'

/** So many before the measured ones, where each takes so short that compiling the code would be a part of the figure. */
const WARM_UP = 2_000
const WARM_UP_MANY = 20_000
const FLOORS = { sqlite: 150_000, redis: 100_000 }
const JOBS = 20_000

const IN_THE_WAY = `Each publish is one script that looks for the event id in the two hashes of deduplication, appends, and
remembers the id: 18 to 23 µs of the server, against 3.5 µs of a bare XADD, in a round trip of 130 to 190 µs.`

const ALONE = `Nobody publishes while a batch is under way, so that the log waits while the next is checked and written, and
the publisher while the log appends: 3.5 to 4.7 µs of the server for each event, half of it for deduplication.`

const ONE_THREAD = `The publisher and SQLite share one thread. By processor time an event takes some 3 µs to be checked, written as
JSON and answered, 4 µs in SQLite (the entry, its index, its id for deduplication, the write-ahead log), and 1 µs to be looked for.`

/** Publishing by the library: one after another, many at once, in batches. Who publishes by a driver writes its JSON, too, and checks nothing. */
export function publishing(log: BenchLog): Scenario {
  return {
    name: `publish-${log.kind}`,
    async run() {
      const comparisons: Comparison[] = []
      comparisons.push(...(await oneByOne(log, 10_000)))
      comparisons.push(...(await concurrent(log, 1_000, 100)))
      comparisons.push(await batches(log, 100, 600, 1))
      comparisons.push(await batches(log, 100, 600, 10))
      return comparisons
    }
  }
}

async function oneByOne(log: BenchLog, count: number): Promise<Comparison[]> {
  const events = marketDataBatch(count)
  const wires = events.map(toWire)
  const raw = await log.raw()
  await using system = await log.system()
  for (const event of marketDataBatch(WARM_UP)) await system.publishEvent(event)
  for (const event of marketDataBatch(WARM_UP)) await raw.appendOne(encodeEvent(event))
  const latencies = { ours: new Float64Array(count), theirs: new Float64Array(count) }
  const { ours, theirs } = await ratesInTurns(count, 1_000, {
    async ours(from, to) {
      for (let i = from; i < to; i++) {
        const started = performance.now()
        await system.publishEvent(events[i] as Event)
        latencies.ours[i] = performance.now() - started
      }
    },
    async theirs(from, to) {
      for (let i = from; i < to; i++) {
        const started = performance.now()
        await raw.appendOne(JSON.stringify(wires[i]))
        latencies.theirs[i] = performance.now() - started
      }
    }
  })
  await raw.close()
  const what = `library, ${log.kind}: publish one after another`
  const peer = `${raw.name} + JSON.stringify`
  const [floor, p50Floor] = log.kind === 'redis' ? [{ ratioFloor: 0.8 }, { floor: 1, ratioFloor: 1.25 }] : []
  return [
    { what, unit: 'events/s', ours, peer, theirs, ...floor, inTheWay: IN_THE_WAY },
    {
      what: `${what}, p50`,
      unit: 'ms',
      ours: quantile(latencies.ours, 0.5),
      peer,
      theirs: quantile(latencies.theirs, 0.5),
      ...p50Floor,
      inTheWay: IN_THE_WAY
    }
  ]
}

/** Publishers that each publish, wait, and publish again. */
async function concurrent(log: BenchLog, publishers: number, each: number): Promise<Comparison[]> {
  const count = publishers * each
  const events = marketDataBatch(count)
  const wires = events.map(toWire)
  await using system = await log.system()
  await publishAll(system, marketDataBatch(WARM_UP_MANY), publishers)
  const ours = await rate(count, () => publishAll(system, events, publishers))
  const raw = await log.raw()
  await appendAll(raw, wires.slice(0, WARM_UP_MANY), publishers)
  const theirs = await rate(count, () => appendAll(raw, wires, publishers))
  await raw.close()
  const what = `library, ${log.kind}: publish, ${publishers.toLocaleString('en')} concurrent publishers`
  const published: Comparison = { what, unit: 'events/s', ours }
  const ofRaw = {
    ...published,
    peer: `${raw.name} + JSON.stringify`,
    theirs,
    floor: FLOORS[log.kind]
  }
  return log.url === undefined
    ? [{ ...ofRaw, inTheWay: ONE_THREAD }]
    : [ofRaw, ...(await besideOthers(log.url, published, wires, publishers))]
}

async function publishAll(system: EventSystem, events: readonly Event[], publishers: number): Promise<void> {
  let next = 0
  const publish = async () => {
    while (next < events.length) await system.publishEvent(events[next++] as Event)
  }
  await Promise.all(Array.from({ length: publishers }, publish))
}

async function appendAll(raw: RawDriver, wires: readonly object[], publishers: number): Promise<void> {
  for (let i = 0; i < wires.length; i += publishers)
    await raw.appendConcurrently(written(wires.slice(i, i + publishers)))
}

async function besideOthers(
  url: string,
  published: Comparison,
  wires: readonly WireEvent[],
  publishers: number
): Promise<Comparison[]> {
  const messages = wires.map((wire) => ({ id: wire.event_id, wire }))
  await ioredisRate(url, wires.slice(0, WARM_UP_MANY), publishers)
  const pipelined = await ioredisRate(url, wires, publishers)
  await bullMqAddRate(url, JOBS / 4)
  const jobs = await bullMqAddRate(url, JOBS)
  await natsRate(messages.slice(0, WARM_UP_MANY), publishers)
  const inJetStream = await natsRate(messages, publishers)
  return [
    { ...published, peer: 'ioredis with auto-pipelining + JSON.stringify', theirs: pipelined, ratioFloor: 1 },
    { ...published, peer: "BullMQ's addBulk", theirs: jobs, ratioFloor: 3 },
    { ...published, peer: 'NATS JetStream with Nats-Msg-Id', theirs: inJetStream, ratioFloor: 4 }
  ]
}

/** Publishers that each publish a batch, wait, and publish another; in turns with the driver, which sends a batch in one go. */
async function batches(log: BenchLog, size: number, howMany: number, publishers: number): Promise<Comparison> {
  const events = marketDataBatch(size * howMany)
  const wires = events.map(toWire)
  const raw = await log.raw()
  await using system = await log.system()
  const ways = {
    ours: inBatches(size, publishers, (from, to) => system.publishBatch(events.slice(from, to))),
    theirs: inBatches(size, publishers, (from, to) => raw.appendMany(written(wires.slice(from, to))))
  }
  await system.publishBatch(marketDataBatch(WARM_UP_MANY))
  await raw.appendMany(written(marketDataBatch(WARM_UP_MANY).map(toWire)))
  const { ours, theirs } = await ratesInTurns(events.length, events.length / 10, ways)
  await raw.close()
  const together = publishers === 1 ? '' : `, ${publishers} publishers`
  const what = `library, ${log.kind}: publish in batches of ${size}${together}`
  const floor = log.kind === 'redis' && publishers === 1 ? { ratioFloor: 0.7, inTheWay: ALONE } : {}
  return { what, unit: 'events/s', ours, peer: `${raw.name} + JSON.stringify`, theirs, ...floor }
}

/** Goes from batch to batch of a stretch, with so many under way. */
function inBatches(size: number, publishers: number, send: (from: number, to: number) => Promise<unknown>) {
  return async (from: number, to: number) => {
    let next = from
    const publish = async () => {
      while (next < to) {
        const start = next
        next += size
        await send(start, Math.min(to, next))
      }
    }
    await Promise.all(Array.from({ length: publishers }, publish))
  }
}

function written(wires: readonly object[]): string[] {
  return wires.map((wire) => JSON.stringify(wire))
}
