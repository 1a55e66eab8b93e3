import { createEvent, type Event, EventType } from '@tradpal/events'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Storage } from '../../src/log/index.ts'
import { type EventQuery, EventStore } from '../../src/store/index.ts'
import { describeOn, LOGS_WITH_INDEX } from '../support/each-log.ts'
import { append } from '../support/events.ts'

const TYPES = [EventType.MARKET_DATA_UPDATE, EventType.PORTFOLIO_UPDATE, EventType.RISK_ALERT] as const
/** The third is longer than a key of the log, and the last is of no event. */
const SYMBOLS = ['AAPL', 'MSFT', 'x'.repeat(201), 'NONE'] as const
const START_MS = Date.parse('2026-11-17T00:00:00Z')
const LAST_MS = 40

/** Some happened later than others that the log took after them, and some at the same time. */
const entry = fc.record(
  { type: fc.constantFrom(...TYPES), symbol: fc.constantFrom(...SYMBOLS.slice(0, 3)), ms: fc.nat(LAST_MS) },
  { requiredKeys: ['type', 'ms'] }
)
type Made = typeof entry extends fc.Arbitrary<infer T> ? T : never

const instant = fc.integer({ min: -2, max: LAST_MS + 2 }).map((ms) => START_MS + ms)

const queryOf = (smallestPage: number) =>
  fc.record(
    {
      eventType: fc.oneof(fc.constantFrom(...TYPES), fc.subarray([...TYPES], { minLength: 1 }), fc.constant('*')),
      symbols: fc.subarray([...SYMBOLS], { minLength: 1 }),
      startTime: instant,
      endTime: instant,
      limit: fc.integer({ min: smallestPage, max: 450 })
    },
    { requiredKeys: [] }
  )

describeOn(LOGS_WITH_INDEX, 'a query by event time of any log', (under) => {
  it('finds what a look at every entry finds, in the order of event times', async () => {
    const storage = await under.open()
    const property = fc.asyncProperty(
      fc.array(entry, { maxLength: 400, size: 'max' }),
      fc.array(queryOf(1), { minLength: 5, maxLength: 10 }),
      async (made, queries) => {
        await storage.log.trim({ maxLength: 0 }, { force: true })
        const appended = await appendAll(storage, made)
        for (const wanted of queries) await mustFind(storage, appended, wanted)
      }
    )
    await fc.assert(property, { numRuns: 30 })
  })

  it('finds the same in a log of many stretches', async () => {
    const storage = await under.open()
    const [made] = fc.sample(fc.array(entry, { minLength: 10_000, maxLength: 10_000 }), { numRuns: 1, seed: 27 })
    const appended = await appendAll(storage, made ?? [])
    await fc.assert(
      fc.asyncProperty(queryOf(100), async (wanted) => mustFind(storage, appended, wanted)),
      { numRuns: 20 }
    )
  })
})

async function appendAll(storage: Storage, made: readonly Made[]): Promise<Event[]> {
  const appended: Event[] = []
  for (let i = 0; i < made.length; i += 997) {
    const events = made.slice(i, i + 997).map(({ type, symbol, ms }) => {
      const data = { ...(symbol !== undefined && { symbol }), message: 'drawdown' }
      return createEvent(type as string, data, { timestamp: START_MS + ms, validation: 'off' })
    })
    await append(storage, ...events)
    appended.push(...events)
  }
  return appended
}

async function mustFind(storage: Storage, appended: readonly Event[], wanted: EventQuery): Promise<void> {
  const { limit = 100, ...filter } = wanted
  if (Number(filter.startTime ?? 0) > Number(filter.endTime ?? Number.POSITIVE_INFINITY)) return
  const store = new EventStore({ storage })
  const range = { ...filter, time: 'event' } as const
  const matches = naive(appended, filter)

  expect(await idsOf(store.readEvents(range))).toEqual(matches)
  expect(await store.countEvents(range)).toBe(matches.length)
  const page = (await store.getEvents({ ...range, limit })).map(({ eventId }) => eventId)
  expect(page).toEqual(filter.startTime === undefined ? matches.slice(-limit) : matches.slice(0, limit))
  expect(await pageByPage(store, { ...range, limit })).toEqual(matches)
}

/** Each page goes on behind the one before; the last has nothing, and its position still leads to nothing. */
async function pageByPage(store: EventStore, { startTime, ...query }: EventQuery): Promise<string[]> {
  const ids: string[] = []
  let page = await store.getPage({ ...query, startTime: startTime ?? 0 })
  for (; page.events.length > 0; page = await store.getPage({ ...query, after: page.position })) {
    ids.push(...page.events.map(({ eventId }) => eventId))
  }
  expect(await store.getEvents({ ...query, after: page.position })).toEqual([])
  return ids
}

/** Sorting keeps the order of the log where times are equal. */
function naive(appended: readonly Event[], { eventType = '*', symbols, startTime, endTime }: EventQuery): string[] {
  const types = [eventType].flat()
  const timeOf = ({ timestamp }: Event) => Date.parse(timestamp)
  return appended
    .filter(
      (event) =>
        (types.includes('*') || types.includes(event.eventType)) &&
        (symbols === undefined || symbols.includes(event.data.symbol as string)) &&
        (startTime === undefined || timeOf(event) >= Number(startTime)) &&
        (endTime === undefined || timeOf(event) <= Number(endTime))
    )
    .toSorted((a, b) => timeOf(a) - timeOf(b))
    .map(({ eventId }) => eventId)
}

async function idsOf(events: AsyncIterable<{ eventId: string }>): Promise<string[]> {
  return (await Array.fromAsync(events)).map(({ eventId }) => eventId)
}
