import { createEvent, type Event, type EventSystem, EventType } from '@tradpal/event-system'
import { marketData } from '../events.ts'
import type { BenchLog } from '../logs.ts'
import { type Comparison, rate } from '../measure.ts'
import { consume } from './consume.ts'

const COUNT = 100_000
const BATCH = 1_000
const QUERIES = 100
const TYPES = [EventType.MARKET_DATA_UPDATE, EventType.FEATURE_VECTOR_UPDATE, EventType.SYSTEM_HEALTH] as const
/** One in so many events is of a type that is rare. */
const RARE = 500

/** A stream for each type, beside all in one, by the same library. */
export async function partitioned(log: BenchLog): Promise<Comparison[]> {
  const ours = await measured(log, 'type')
  const theirs = await measured(log, 'none')
  return ours.map(({ what, unit, figure }, i): Comparison => {
    const ofPeer = theirs[i]?.figure
    return { what: `${what}, a stream for each type`, unit, ours: figure, peer: 'all in one', theirs: ofPeer ?? 0 }
  })
}

async function measured(log: BenchLog, partitioning: 'none' | 'type') {
  await using system = await log.system({ partitioning })
  const prefix = `library, ${log.kind}`
  const published = await rate(COUNT, () => fill(system))
  const replayed = await rate(COUNT, () => system.replayEvents({}, () => {}))
  const found = await rate(QUERIES, () => query(system))
  const consumed = await rate(COUNT, () => consume(system, COUNT))
  return [
    { what: `${prefix}: publish in batches of 1,000`, unit: 'events/s', figure: published },
    { what: `${prefix}: replay`, unit: 'events/s', figure: replayed },
    { what: `${prefix}: consume and acknowledge`, unit: 'events/s', figure: consumed },
    { what: `${prefix}: query the newest 10 of a type that is 1 in ${RARE}`, unit: 'requests/s', figure: found }
  ] as const
}

async function fill(system: EventSystem): Promise<void> {
  for (let from = 0; from < COUNT; from += BATCH) {
    await system.publishBatch(Array.from({ length: BATCH }, (_, i) => eventOf(from + i)))
  }
}

function eventOf(i: number): Event {
  const { data, source } = marketData(i)
  const type: string = i % RARE === 0 ? EventType.RISK_ALERT : (TYPES[i % TYPES.length] as string)
  return createEvent(type, data, { source })
}

async function query(system: EventSystem): Promise<void> {
  for (let i = 0; i < QUERIES; i++) await system.getEvents({ eventType: EventType.RISK_ALERT, limit: 10 })
}
