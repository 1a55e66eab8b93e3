import { createEvent, type Event, EventType } from '@tradpal/events'
import { expect, it } from 'vitest'
import type { ReadRange, Storage } from '../../src/log/index.ts'
import { type EventRange, EventStore } from '../../src/store/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn, LOGS_WITH_INDEX } from '../support/each-log.ts'
import { append, withFaults } from '../support/events.ts'

const MONDAY_MS = Date.parse('2026-11-16T09:00:00Z')
const LAST_WEEK = { startTime: '2026-11-16T00:00:00Z', endTime: '2026-11-20T23:59:59.999Z' }

const priceAt = (ms: number, price: number, symbol = 'AAPL') =>
  createEvent(EventType.MARKET_DATA_UPDATE, { symbol, price }, { timestamp: MONDAY_MS + ms })
const pricesOf = (events: readonly Event[]) => events.map(({ data }) => data.price)

/** Prices of last week, which the log takes today: not in the order of their times, and two of one time. */
const IMPORTED = [priceAt(2_000, 3), priceAt(0, 1), priceAt(500, 2), priceAt(2_000, 4)]

describeOn(LOGS_WITH_INDEX, 'the order of event times', (under) => {
  async function imported() {
    const storage = await under.open()
    await append(storage, ...IMPORTED)
    return { storage, store: new EventStore({ storage }) }
  }

  it('finds events under the time at which they happened, whenever the log took them', async () => {
    const { store } = await imported()
    expect(await store.getEvents(LAST_WEEK)).toEqual([])
    const range = { ...LAST_WEEK, time: 'event' } as const
    expect(pricesOf(await store.getEvents(range))).toEqual([1, 2, 3, 4])
    expect(pricesOf(await Array.fromAsync(store.readEvents(range)))).toEqual([1, 2, 3, 4])
    expect(pricesOf(await Array.fromAsync(store.replay(range)))).toEqual([1, 2, 3, 4])
    expect(await store.countEvents(range)).toBe(4)
    const replayed: Event[] = []
    expect(await store.replayEvents(range, (event) => void replayed.push(event))).toBe(4)
    expect(pricesOf(replayed)).toEqual([1, 2, 3, 4])
  })

  it('takes both ends of a range in, in whole milliseconds', async () => {
    const { storage, store } = await imported()
    const event = createEvent(
      EventType.MARKET_DATA_UPDATE,
      { symbol: 'AAPL', price: 5 },
      { timestamp: '2026-11-16T09:00:00.500900Z' }
    )
    await append(storage, event)
    const [startTime, endTime] = [MONDAY_MS + 500, MONDAY_MS + 500]
    expect(pricesOf(await store.getEvents({ startTime, endTime, time: 'event' }))).toEqual([2, 5])
  })

  it('answers without a start what happened last, oldest first', async () => {
    const { store } = await imported()
    expect(pricesOf(await store.getEvents({ time: 'event', limit: 3 }))).toEqual([2, 3, 4])
    const endTime = MONDAY_MS + 500
    expect(pricesOf(await store.getEvents({ time: 'event', limit: 1, endTime }))).toEqual([2])
  })

  it('leads from the newest to what happens later, and to that alone', async () => {
    const { storage, store } = await imported()
    const { position } = await store.getPage({ time: 'event' })
    expect((await store.getPage({ time: 'event', after: position })).events).toEqual([])
    await append(storage, priceAt(1_000, 6), priceAt(3_000, 7), priceAt(2_000, 8))
    expect(pricesOf(await store.getEvents({ time: 'event', after: position }))).toEqual([8, 7])
  })

  it('leads from an empty page to what comes', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const { position } = await store.getPage({ time: 'event' })
    await append(storage, priceAt(0, 1))
    expect(pricesOf(await store.getEvents({ time: 'event', after: position }))).toEqual([1])
  })

  it('has positions of its own, and refuses those of log order, as log order refuses them', async () => {
    const { store } = await imported()
    const inLog = (await store.getPage()).position
    const inTime = (await store.getPage({ time: 'event' })).position
    const refusal = { code: 'invalid_message_id' }
    await expect(store.getPage({ time: 'event', after: inLog })).rejects.toMatchObject(refusal)
    await expect(store.getPage({ after: inTime })).rejects.toMatchObject(refusal)
  })

  it('refuses to tell of a gap, which nobody knows there, and a time that is none', async () => {
    const { store } = await imported()
    for (const onGap of ['error', () => {}] as const) {
      await expect(store.getPage({ time: 'event', onGap })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(/^onGap is for reads in log order.*time: 'log'/)
      })
    }
    await expect(store.getEvents({ time: 'publisher' as never })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `time must be 'log' or 'event', got "publisher".`
    })
  })

  it.each([
    [1, [0, 500, 2_000, 2_000]],
    [10, [0, 50, 200, 200]],
    [0.5, [0, 1_000, 4_000, 4_000]]
  ])('is the pace of a replay that asks for it, times %s', async (speed, expected) => {
    const storage = await under.open()
    await append(storage, ...IMPORTED)
    const clock = new FakeClock()
    const start = clock.now()
    const [at, prices]: [number[], unknown[]] = [[], []]
    const store = new EventStore({ storage, clock })
    const done = store.replayEvents(
      { ...LAST_WEEK, time: 'event' },
      ({ data }) => {
        at.push(clock.now() - start)
        prices.push(data.price)
      },
      { speed }
    )
    await waitFor(() => clock.sleeping === 1)
    expect(at).toEqual([0])
    await clock.advance(10_000)
    expect(await done).toBe(4)
    expect(at).toEqual(expected)
    expect(prices).toEqual([1, 2, 3, 4])
  })
})

describeOn(LOGS_WITH_INDEX, 'a page of a time in which the log took nothing', (under) => {
  async function opened() {
    const storage = await under.open()
    await append(storage, ...IMPORTED)
    const reads: ReadRange[] = []
    const read = (range: ReadRange) => {
      reads.push(range)
      return storage.log.read(range)
    }
    return { store: new EventStore({ storage: withFaults(storage, { read }) }), reads }
  }

  it.each<[string, EventRange]>([
    ['with both ends', LAST_WEEK],
    ['with an end alone', { endTime: LAST_WEEK.endTime }],
    ['of a type and a symbol', { ...LAST_WEEK, eventType: 'market_data_update', symbol: 'AAPL' }]
  ])('says that such events happened then: %s', async (_, range) => {
    const { store } = await opened()
    expect(await store.getPage(range)).toMatchObject({ events: [], happenedThen: true })
  })

  it.each<[string, EventRange]>([
    ['none of the type did', { ...LAST_WEEK, eventType: 'order_executed' }],
    ['none of the symbol did', { ...LAST_WEEK, symbol: 'MSFT' }],
    ['none did in these times', { startTime: '2026-11-09T00:00:00Z', endTime: '2026-11-10T00:00:00Z' }],
    ['event times were asked for', { startTime: '2026-11-18T00:00:00Z', time: 'event' }],
    ['each event would have to be looked at', { ...LAST_WEEK, symbol: 'x'.repeat(201) }]
  ])('says nothing where %s', async (_, range) => {
    const { store } = await opened()
    expect(await store.getPage(range)).toEqual({ events: [], position: expect.any(String) })
  })

  it('says nothing of no time, of a position, and beside events', async () => {
    const { store } = await opened()
    const { position, ...page } = await store.getPage({ endTime: Date.now() + 60_000 })
    expect(page).toEqual({ events: expect.any(Array) })
    expect(page.events).toHaveLength(4)
    expect(await store.getPage({ symbol: 'MSFT' })).toEqual({ events: [], position })
    expect(await store.getPage({ after: position, endTime: Date.now() })).toEqual({ events: [], position })
  })

  it('asks the index once, for one entry, and only for a page that is asked for', async () => {
    const { store, reads } = await opened()
    const inEventTime = () => reads.filter(({ time }) => time === 'event')
    await store.getEvents(LAST_WEEK)
    await store.getPage({})
    expect(inEventTime()).toEqual([])
    await store.getPage({ ...LAST_WEEK, symbol: 'AAPL' })
    expect(inEventTime()).toEqual([expect.objectContaining({ limit: 1, keys: ['AAPL'] })])
  })
})

describeOn(ALL_LOGS, 'a log that is asked for symbols', (under) => {
  it('is told the symbols that are keys, the types and the time', async () => {
    const storage = await under.open()
    const asked = await askedOf(storage, { eventType: ['risk_alert', 'trading_signal'], symbols: ['AAPL', 'MSFT'] })
    expect(asked).toMatchObject({ eventTypes: ['risk_alert', 'trading_signal'], keys: ['AAPL', 'MSFT'], time: 'log' })
  })

  it('is told none where one of them is no key', async () => {
    const storage = await under.open()
    for (const odd of ['', 'x'.repeat(201)]) {
      expect(await askedOf(storage, { symbols: ['AAPL', odd] })).not.toHaveProperty('keys')
    }
  })

  it.each(['', 'x'.repeat(200), 'x'.repeat(201), '\u{1F600}'.repeat(100), 'BTC/USDT', 'a\u0000b', '"\n'])(
    'finds %j',
    async (symbol) => {
      const storage = await under.open()
      const event = createEvent(EventType.RISK_ALERT, { symbol, message: 'drawdown' }, { validation: 'off' })
      await append(storage, priceAt(0, 1), event, priceAt(0, 2))
      const store = new EventStore({ storage })
      expect((await store.getEvents({ symbol })).map(({ eventId }) => eventId)).toEqual([event.eventId])
      expect(await store.countEvents({ symbols: [symbol, 'AAPL'] })).toBe(3)
    }
  )
})

async function askedOf(storage: Storage, range: EventRange): Promise<ReadRange | undefined> {
  const asked: ReadRange[] = []
  const read = (range: ReadRange) => {
    asked.push(range)
    return storage.log.read(range)
  }
  await new EventStore({ storage: withFaults(storage, { read }) }).getEvents(range)
  return asked[0]
}

describeOn(['redis', 'redis by type'], 'a log without an index', (under) => {
  it('refuses the order of event times, and names the setting that it takes', async () => {
    const storage = await under.open()
    await append(storage, ...IMPORTED)
    const store = new EventStore({ storage })
    const refusal = { code: 'unsupported', message: expect.stringContaining('EVENT_INDEX=on') }
    await expect(store.getEvents({ time: 'event' })).rejects.toMatchObject(refusal)
    await expect(store.countEvents({ ...LAST_WEEK, time: 'event' })).rejects.toMatchObject(refusal)
  })

  it('says nothing of what happened in a time in which it took nothing', async () => {
    const storage = await under.open()
    await append(storage, ...IMPORTED)
    const page = await new EventStore({ storage }).getPage(LAST_WEEK)
    expect(page).toEqual({ events: [], position: expect.any(String) })
  })
})
