import { createEvent, type Event, type EventQuery, EventSystem, EventType } from '@tradpal/event-system'
import { waitFor } from '@tradpal/event-system/testing'
import type { BenchLog } from '../logs.ts'
import { type Comparison, rate, spentMs } from '../measure.ts'

/** `EVENTS=10000000` measures a log of ten million. */
const EVENTS = Number(process.env.EVENTS ?? 1_000_000)
const SYMBOLS = 200
/** An event in this many is a risk alert. */
const RARE = 1_000
const BATCH = 500
const TIMES = 21
/** The events happened in one week, and are imported now. */
const WEEK_MS = 7 * 86_400_000
const MONDAY = Date.UTC(2026, 10, 16)

const symbolOf = (i: number) => `S${(i * 7_919) % SYMBOLS}`

const PAGES: readonly (readonly [what: string, query: EventQuery])[] = [
  ['of a symbol', { symbol: 'S17' }],
  ['of a rare type', { eventType: EventType.RISK_ALERT }],
  ['of a symbol and a rare type', { symbol: 'S127', eventType: EventType.RISK_ALERT }],
  ['of a symbol that there is not', { symbol: 'NONE' }],
  ['by event time', { time: 'event', startTime: MONDAY + WEEK_MS / 2 }],
  ['of a symbol by event time', { time: 'event', symbol: 'S17', startTime: MONDAY + WEEK_MS / 2 }]
]

/** Pages of 100 from a long log, and all events of one symbol, beside a scan of the whole log. */
export async function byKey(log: BenchLog): Promise<Comparison[]> {
  await using plain = await log.system()
  await using system = log.kind === 'redis' ? await indexed(log) : plain
  const published = await rate(EVENTS, () => fill(system))
  const isIndexed = async () => (await system.storage.cursors.get('index'))?.lag === 0
  const behind = log.kind === 'redis' ? await spentMs(() => waitFor(isIndexed, { timeoutMs: 600_000 })) : undefined
  const theirs = await spentMs(() => system.replayEvents({}, () => {}))
  const peer = `a scan of ${EVENTS.toLocaleString('en')} events`
  const what = (part: string) => `library, ${log.kind}, ${EVENTS.toLocaleString('en')} events: ${part}`
  const compared = (part: string, ours: number, floor?: number): Comparison => ({
    what: what(part),
    unit: 'ms',
    ours,
    peer,
    theirs,
    ...(floor !== undefined && { floor })
  })
  const comparisons: Comparison[] = []
  for (const [part, query] of PAGES) {
    comparisons.push(compared(`a page of 100 ${part}`, await median(() => system.getEvents(query)), 5))
  }
  const all = await spentMs(() => system.replayEvents({ symbol: 'S17' }, () => {}))
  const { bytes } = await system.getEventStats()
  return [
    ...comparisons,
    compared(`all ${(EVENTS / SYMBOLS).toLocaleString('en')} events of a symbol`, all),
    { what: what('publish in batches'), unit: 'events/s', ours: published },
    ...(behind === undefined ? [] : [indexedBehind(what, behind)]),
    { what: what('stored for an event, the index included'), unit: 'bytes', ours: bytes / EVENTS }
  ]
}

function indexedBehind(what: (part: string) => string, ours: number): Comparison {
  return { what: what('until the index has caught up behind the last publish, all events late'), unit: 'ms', ours }
}

async function indexed({ url = '' }: BenchLog): Promise<EventSystem> {
  const system = new EventSystem({ redisUrl: url, streamName: 'indexed', index: 'on' })
  await system.initialize()
  return system
}

async function fill(system: EventSystem): Promise<void> {
  for (let i = 0; i < EVENTS; i += BATCH) {
    await system.publishBatch(Array.from({ length: BATCH }, (_, at) => eventOf(i + at)))
  }
}

function eventOf(i: number): Event {
  const symbol = symbolOf(i)
  const timestamp = MONDAY + Math.floor((i / EVENTS) * WEEK_MS)
  return i % RARE === 33
    ? createEvent(EventType.RISK_ALERT, { symbol, severity: 'high' }, { timestamp })
    : createEvent(EventType.MARKET_DATA_UPDATE, { symbol, price: i, volume: 100, bid: i, ask: i + 1 }, { timestamp })
}

async function median(work: () => Promise<unknown>): Promise<number> {
  await work()
  const times: number[] = []
  for (let i = 0; i < TIMES; i++) times.push(await spentMs(work))
  return times.sort((a, b) => a - b)[Math.floor(TIMES / 2)] as number
}
