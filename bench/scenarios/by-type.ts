import { createEvent, type Event, EventSystem, registerEventType, silentLogger } from '@tradpal/event-system'
import type { BenchLog } from '../logs.ts'
import type { Comparison } from '../measure.ts'

const EVENTS = 20_000
const BATCH = 100
const CONCURRENT = 1_000
const TURNS = 4

/** A stream for each event type against one stream for all, in turns, with as many types as a small system has, and a large one. */
export async function byType(log: BenchLog): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  for (const types of [3, 30]) comparisons.push(...(await ofTypes(log, types)))
  return comparisons
}

async function ofTypes({ kind, url = '' }: BenchLog, types: number): Promise<Comparison[]> {
  const names = Array.from({ length: types }, (_, i) => `bench_type_${i}`)
  for (const name of names) registerEventType({ name, schema: { type: 'object' } })
  const rates = { batches: new Rates(), concurrent: new Rates(), consuming: new Rates() }
  for (let turn = 0; turn <= TURNS; turn += 1) {
    // Who begins changes with each turn; the first one warms up.
    for (const partitioning of turn % 2 === 0 ? (['type', 'none'] as const) : (['none', 'type'] as const)) {
      const streamName = `by_type_${types}_${turn}_${partitioning}`
      await using system = new EventSystem({ redisUrl: url, streamName, partitioning, logger: silentLogger })
      await system.initialize()
      const side = partitioning === 'type' ? 'ours' : 'theirs'
      const isWarm = turn > 0
      rates.batches.add(side, await rateOf(() => inBatches(system, eventsOf(names))), isWarm)
      rates.concurrent.add(side, await rateOf(() => concurrently(system, eventsOf(names))), isWarm)
      rates.consuming.add(side, await rateOf(() => consume(system, 2 * EVENTS), 2 * EVENTS), isWarm)
    }
  }
  const peer = 'one stream for all types'
  const what = (task: string) => `library, ${kind}, a stream for each of ${types} types: ${task}`
  return [
    { what: what(`publish in batches of ${BATCH}`), unit: 'events/s', peer, ...rates.batches.means },
    { what: what(`publish, ${CONCURRENT} concurrent publishers`), unit: 'events/s', peer, ...rates.concurrent.means },
    { what: what('consume and acknowledge'), unit: 'events/s', peer, ...rates.consuming.means }
  ]
}

class Rates {
  readonly #sums = { ours: 0, theirs: 0 }

  add(side: 'ours' | 'theirs', rate: number, counts: boolean): void {
    if (counts) this.#sums[side] += rate
  }

  get means(): { readonly ours: number; readonly theirs: number } {
    return { ours: this.#sums.ours / TURNS, theirs: this.#sums.theirs / TURNS }
  }
}

function eventsOf(names: readonly string[]): Event[] {
  return Array.from({ length: EVENTS }, (_, i) =>
    createEvent(
      names[i % names.length] as string,
      { symbol: 'BTC/USDT', price: i, note: 'x'.repeat(80) },
      { source: 'bench' }
    )
  )
}

async function rateOf(work: () => Promise<void>, count = EVENTS): Promise<number> {
  const begun = performance.now()
  await work()
  return (count / (performance.now() - begun)) * 1_000
}

async function inBatches(system: EventSystem, events: readonly Event[]): Promise<void> {
  const batches = Array.from({ length: events.length / BATCH }, (_, i) => events.slice(i * BATCH, (i + 1) * BATCH))
  const publishNext = async () => {
    for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) await system.publishBatch(batch)
  }
  await Promise.all(Array.from({ length: 4 }, publishNext))
}

async function concurrently(system: EventSystem, events: readonly Event[]): Promise<void> {
  let next = 0
  const publisher = async () => {
    while (next < events.length) {
      const event = events[next++] as Event
      await system.publishEvent(event)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, publisher))
}

async function consume(system: EventSystem, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let handled = 0
  system.subscriber.registerHandler('*', () => {
    handled += 1
    if (handled === count) resolve()
  })
  await system.startConsuming({ group: 'bench', from: 'start' })
  await promise
}
