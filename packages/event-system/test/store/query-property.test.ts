import { createEvent, type Event, EventType } from '@tradpal/events'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Checkpoint, type EntryPlace, positionsIn, type Storage } from '../../src/log/index.ts'
import { compareIn } from '../../src/log/partitioned/order.ts'
import { type EventQuery, EventStore } from '../../src/store/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, timesOf } from '../support/events.ts'

const TYPES = [EventType.MARKET_DATA_UPDATE, EventType.PORTFOLIO_UPDATE, EventType.RISK_ALERT] as const
const SYMBOLS = ['AAPL', 'MSFT'] as const

interface Appended extends EntryPlace {
  readonly event: Event | undefined
}

/** What stands in a log: events, and entries that nobody can read. An empty log refuses every place behind an entry. */
const entries = fc.array(
  fc.record({
    type: fc.constantFrom(...TYPES),
    symbol: fc.constantFrom(...SYMBOLS),
    poison: fc.nat(9).map((n) => n === 0)
  }),
  { minLength: 1, maxLength: 400, size: 'max' }
)

/** Places are parts of the log's length, so that they shrink with it. */
const query = fc.record(
  {
    eventType: fc.oneof(fc.constantFrom(...TYPES), fc.subarray([...TYPES], { minLength: 1 }), fc.constant('*')),
    symbol: fc.constantFrom(...SYMBOLS),
    limit: fc.integer({ min: 1, max: 450 }),
    begin: fc.record({
      kind: fc.constantFrom('startTime', 'after'),
      at: fc.double({ min: 0, max: 0.999, noNaN: true })
    }),
    end: fc.double({ min: 0, max: 0.999, noNaN: true })
  },
  { requiredKeys: [] }
)

describeOn(ALL_LOGS, 'a query of any log', (under) => {
  it('finds what a look at every entry finds', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const property = fc.asyncProperty(
      entries,
      fc.array(query, { minLength: 5, maxLength: 10 }),
      async (made, queries) => {
        await storage.log.trim({ maxLength: 0 }, { force: true })
        const appended = await appendAll(storage, made)
        const positions = await positionsById(storage)
        for (const { begin, end, ...filter } of queries) {
          const at = (part: number) => appended[Math.floor(part * appended.length)] as Appended
          const wanted = {
            ...filter,
            ...(begin?.kind === 'after' ? { after: positions.get(at(begin.at).messageId) as Checkpoint } : {}),
            ...(begin?.kind === 'startTime' ? { startTime: at(begin.at).appendedAt } : {}),
            ...(end === undefined ? {} : { endTime: at(end).appendedAt })
          }
          if ((wanted.startTime ?? 0) > (wanted.endTime ?? Number.MAX_SAFE_INTEGER)) continue
          const matches = naive(storage, appended, wanted)
          const { limit = 100, ...range } = wanted
          const fromStart = wanted.startTime !== undefined || wanted.after !== undefined
          expect(await idsOf(store.readEvents(range))).toEqual(matches)
          expect((await store.getEvents(wanted)).map(({ messageId }) => messageId)).toEqual(
            fromStart ? matches.slice(0, limit) : matches.slice(-limit)
          )
        }
      }
    )
    await fc.assert(property, { numRuns: 30 })
  })
})

/** Of each entry the position behind it and all before it. */
async function positionsById({ log }: Storage): Promise<Map<string, Checkpoint>> {
  const page = await log.read({ limit: 1_000 })
  const positions = positionsIn(log, page)
  return new Map(page.entries.map(({ messageId }, i) => [messageId, positions[i] as Checkpoint]))
}

/** In several appends, so that they fall into several milliseconds. */
async function appendAll(storage: Storage, made: readonly { type: string; symbol: string; poison: boolean }[]) {
  const appended: Appended[] = []
  for (let i = 0; i < made.length; i += 97) {
    const batch = made.slice(i, i + 97).map(({ type, symbol, poison }) => {
      const data = type === EventType.RISK_ALERT ? { symbol, message: 'drawdown' } : { symbol }
      return { poison, event: createEvent(type, data) }
    })
    for (const { event } of batch.filter(({ poison }) => poison)) {
      const [result] = await storage.log.append([{ eventId: event.eventId, eventType: event.eventType, payload: '{' }])
      appended.push({ event: undefined, ...(await placeOf(storage, result?.messageId)) })
    }
    const events = batch.filter(({ poison }) => !poison).map(({ event }) => event)
    if (events.length === 0) continue
    const messageIds = await append(storage, ...events)
    for (const [n, event] of events.entries()) appended.push({ event, ...(await placeOf(storage, messageIds[n])) })
  }
  return appended
}

async function placeOf(storage: Storage, messageId = ''): Promise<EntryPlace> {
  const [appendedAt = Number.NaN] = await timesOf(storage, [messageId])
  return { messageId, appendedAt }
}

function naive(storage: Storage, appended: readonly Appended[], wanted: EventQuery): string[] {
  const { eventType = '*', symbol, startTime, endTime, after } = wanted
  const types = [eventType].flat()
  return appended
    .filter(({ event, messageId, appendedAt: time }) => {
      if (event === undefined) return false
      return (
        (types.includes('*') || types.includes(event.eventType)) &&
        (symbol === undefined || event.data.symbol === symbol) &&
        (startTime === undefined || time >= Number(startTime)) &&
        (endTime === undefined || time <= Number(endTime)) &&
        (after === undefined || compareIn(storage.log, messageId, after) > 0)
      )
    })
    .map(({ messageId }) => messageId)
}

async function idsOf(events: AsyncIterable<{ messageId: string }>): Promise<string[]> {
  return (await Array.fromAsync(events)).map(({ messageId }) => messageId)
}
