import { randomUUID } from 'node:crypto'
import { type Event, type EventSystem, toWire, type WireEvent } from '@tradpal/event-system'
import { bullMqAddRate } from '../bullmq.ts'
import { type Contender, type Contenders, ratesOf } from '../contenders.ts'
import { marketData, marketDataBatch } from '../events.ts'
import { ioredisRate } from '../ioredis.ts'
import type { BenchLog, RawDriver } from '../logs.ts'
import { type Comparison, quantile, spentMs } from '../measure.ts'
import { natsRate } from '../nats.ts'

/** So many before the measured ones: each takes so short that compiling the code would be a part of the figure. */
const WARM_UP = 20_000
/** To the other peers so many are published. */
const ELSEWHERE = 100_000
const ONE_BY_ONE = 10_000
const ONE_BY_ONE_TURN = 1_000
export const PUBLISHERS = 1_000
export const CONCURRENT = { warmUps: 3, turns: 6, each: 20_000 }
const BATCH = 100
const BATCHES = { warmUps: 4, turns: 8, each: 10_000 }
const FLOORS = { sqlite: 150_000, redis: 100_000 }
const JOBS = 20_000

const IN_THE_WAY = `Each publish is the same XADD, with a message id of its own, and 10 to 25 µs of the publisher beyond what the driver takes:
the event is checked, given its lineage, and goes through the circuit. Once a second, and for a tenth of one where others append, it is a script that
looks for the event id and remembers it, 11 to 28 µs of the server.`

const ALONE = `Nobody publishes while a batch is under way, so that the log waits while the next is checked and written, and
the publisher while the log appends: 2.3 to 5 µs of the server for each event, by the hour, and 4 of one whose id is like no other. It differs by the hour: 0.64 to 0.74 in one day.`

const ONE_THREAD = `The publisher and SQLite share one thread. By processor time an event takes some 3 µs to be checked, written as
JSON and answered, 3 µs in SQLite (the entry, its index, its part of the deduplication window, the write-ahead log), and up to 1 µs to be looked for.`

/** Publishing by the library: one after another, many at once, in batches. Who publishes by a driver writes its JSON, too, and checks nothing. */
export async function publishing(log: BenchLog): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  comparisons.push(...(await oneByOneBesideTheDriver(log)))
  comparisons.push(...(await concurrent(log)))
  comparisons.push(await batches(log, 1))
  comparisons.push(await batches(log, 10))
  comparisons.push(await batchesOfOwnIds(log))
  return comparisons
}

/** One after another, each made just before it, beside a driver that appends in this way. */
async function oneByOne(
  log: BenchLog,
  peer: string,
  append: (raw: RawDriver, wire: WireEvent) => unknown
): Promise<[rate: Comparison, p50: Comparison]> {
  const raw = await log.raw()
  await using system = await log.system()
  for (let i = 0; i < WARM_UP; i++) await system.publishEvent(marketData(i))
  for (let i = 0; i < WARM_UP; i++) await append(raw, toWire(marketData(i)))
  const latencies = { ours: new Float64Array(ONE_BY_ONE), theirs: new Float64Array(ONE_BY_ONE) }
  for (let from = 0; from < ONE_BY_ONE; from += ONE_BY_ONE_TURN) {
    for (let i = from; i < from + ONE_BY_ONE_TURN; i++) {
      const event = marketData(i)
      latencies.ours[i] = await spentMs(() => system.publishEvent(event))
    }
    for (let i = from; i < from + ONE_BY_ONE_TURN; i++) {
      const wire = toWire(marketData(i))
      latencies.theirs[i] = await spentMs(() => append(raw, wire))
    }
  }
  await raw.close()
  const what = `library, ${log.kind}: publish one after another`
  const rates = { ours: rateOf(latencies.ours), theirs: rateOf(latencies.theirs) }
  const p50 = { ours: quantile(latencies.ours, 0.5), theirs: quantile(latencies.theirs, 0.5) }
  return [
    { what, unit: 'events/s', peer, ...rates },
    { what: `${what}, p50`, unit: 'ms', peer, ...p50 }
  ]
}

function rateOf(latencies: Float64Array): number {
  return (latencies.length / latencies.reduce((sum, ms) => sum + ms, 0)) * 1_000
}

/** Beside a driver that only appends, and where there is a server, beside the least that remembers the event id as well. */
async function oneByOneBesideTheDriver(log: BenchLog): Promise<Comparison[]> {
  const [bare, bareP50] = await oneByOne(log, `${log.driver} + JSON.stringify`, (raw, wire) =>
    raw.appendOne(JSON.stringify(wire))
  )
  if (log.kind === 'sqlite') return [bare, bareP50]
  const remembered = await oneByOne(log, `${log.driver}: MULTI, XADD, HSET of the event id, EXEC`, (raw, wire) =>
    raw.appendRemembered?.(wire.event_id, JSON.stringify(wire))
  )
  return [
    { ...bare, ratioFloor: 0.8, inTheWay: IN_THE_WAY },
    { ...bareP50, floor: 1, ratioFloor: 1.25, inTheWay: IN_THE_WAY },
    ...remembered
  ]
}

/** Publishers that each publish, wait, and publish again. */
async function concurrent(log: BenchLog): Promise<Comparison[]> {
  const [ours = 0, theirs = 0] = await ratesOf(log.kind, ['publish concurrently', 'append concurrently'], CONCURRENT)
  const what = `library, ${log.kind}: publish, ${PUBLISHERS.toLocaleString('en')} concurrent publishers`
  const published: Comparison = { what, unit: 'events/s', ours }
  const ofRaw = {
    ...published,
    peer: `${log.driver} + JSON.stringify`,
    theirs,
    floor: FLOORS[log.kind]
  }
  return log.url === undefined
    ? [{ ...ofRaw, inTheWay: ONE_THREAD }]
    : [ofRaw, ...(await besideOthers(log.url, published))]
}

/** Publishers that each publish a batch, wait, and publish another; the driver sends a batch in one go. */
async function batches(log: BenchLog, publishers: 1 | 10): Promise<Comparison> {
  const ways =
    publishers === 1 ? ['publish batches', 'append batches'] : ['publish batches by 10', 'append batches by 10']
  const [ours = 0, theirs = 0] = await ratesOf(log.kind, ways, BATCHES)
  const together = publishers === 1 ? '' : `, ${publishers} publishers`
  const what = `library, ${log.kind}: publish in batches of ${BATCH}${together}`
  const floor = log.kind === 'redis' && publishers === 1 ? { ratioFloor: 0.7, inTheWay: ALONE } : {}
  return { what, unit: 'events/s', ours, peer: `${log.driver} + JSON.stringify`, theirs, ...floor }
}

/** Batches of one publisher whose events bring ids of their own, random UUIDs, as other services send them. */
async function batchesOfOwnIds(log: BenchLog): Promise<Comparison> {
  const [ours = 0, theirs = 0] = await ratesOf(log.kind, ['publish batches of own ids', 'append batches'], BATCHES)
  const what = `library, ${log.kind}: publish in batches of ${BATCH}, event ids of their own`
  return { what, unit: 'events/s', ours, peer: `${log.driver} + JSON.stringify`, theirs }
}

/** Those who publish by the library, and who append by a driver. */
export const publishers: Contenders = {
  'publish concurrently': async (log) => concurrently(await log.system()),
  'append concurrently': (log) => byDriver(log, CONCURRENT.each, appendAll),
  'publish batches': (log) => batchesByLibrary(log, 1),
  'append batches': (log) => batchesByDriver(log, 1),
  'publish batches of own ids': (log) => batchesByLibrary(log, 1, withOwnIds),
  'publish batches by 10': (log) => batchesByLibrary(log, 10),
  'append batches by 10': (log) => batchesByDriver(log, 10)
}

/** Publishers that each publish, wait, and publish again, over this system. */
export function concurrently(system: EventSystem): Contender {
  return byLibrary(system, CONCURRENT.each, publishAll)
}

async function batchesByLibrary(
  log: BenchLog,
  howMany: number,
  made: (count: number) => Event[] = marketDataBatch
): Promise<Contender> {
  const publish = inBatches(howMany, (system: EventSystem, some: readonly Event[]) => system.publishBatch(some))
  return byLibrary(await log.system(), BATCHES.each, publish, made)
}

function withOwnIds(count: number): Event[] {
  return marketDataBatch(count).map((event) => ({ ...event, eventId: randomUUID() }))
}

function batchesByDriver(log: BenchLog, howMany: number): Promise<Contender> {
  const append = inBatches(howMany, (raw: RawDriver, some: readonly WireEvent[]) => raw.appendMany(written(some)))
  return byDriver(log, BATCHES.each, append)
}

function byLibrary(
  system: EventSystem,
  count: number,
  publish: (system: EventSystem, events: readonly Event[]) => Promise<void>,
  made: (count: number) => Event[] = marketDataBatch
): Contender {
  return {
    turn() {
      const events = made(count)
      return spentMs(() => publish(system, events))
    },
    close: () => system.close()
  }
}

async function byDriver(
  log: BenchLog,
  count: number,
  append: (raw: RawDriver, wires: readonly WireEvent[]) => Promise<void>
): Promise<Contender> {
  const raw = await log.raw()
  return {
    turn() {
      const wires = marketDataBatch(count).map(toWire)
      return spentMs(() => append(raw, wires))
    },
    close: () => raw.close()
  }
}

async function publishAll(system: EventSystem, events: readonly Event[]): Promise<void> {
  let next = 0
  const publish = async () => {
    while (next < events.length) await system.publishEvent(events[next++] as Event)
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publish))
}

async function appendAll(raw: RawDriver, wires: readonly object[]): Promise<void> {
  for (let i = 0; i < wires.length; i += PUBLISHERS)
    await raw.appendConcurrently(written(wires.slice(i, i + PUBLISHERS)))
}

async function besideOthers(url: string, published: Comparison): Promise<Comparison[]> {
  const wires = marketDataBatch(ELSEWHERE).map(toWire)
  const messages = wires.map((wire) => ({ id: wire.event_id, wire }))
  await ioredisRate(url, wires.slice(0, WARM_UP), PUBLISHERS)
  const pipelined = await ioredisRate(url, wires, PUBLISHERS)
  await bullMqAddRate(url, JOBS / 4)
  const jobs = await bullMqAddRate(url, JOBS)
  await natsRate(messages.slice(0, WARM_UP), PUBLISHERS)
  const inJetStream = await natsRate(messages, PUBLISHERS)
  return [
    { ...published, peer: 'ioredis with auto-pipelining + JSON.stringify', theirs: pipelined, ratioFloor: 1 },
    { ...published, peer: "BullMQ's addBulk", theirs: jobs, ratioFloor: 3 },
    { ...published, peer: 'NATS JetStream with Nats-Msg-Id', theirs: inJetStream, ratioFloor: 4 }
  ]
}

/** Goes from batch to batch, with so many under way. */
function inBatches<To, Item>(publishers: number, send: (to: To, some: readonly Item[]) => Promise<unknown>) {
  return async (to: To, items: readonly Item[]) => {
    let next = 0
    const publish = async () => {
      while (next < items.length) {
        const start = next
        next += BATCH
        await send(to, items.slice(start, next))
      }
    }
    await Promise.all(Array.from({ length: publishers }, publish))
  }
}

function written(wires: readonly object[]): string[] {
  return wires.map((wire) => JSON.stringify(wire))
}
