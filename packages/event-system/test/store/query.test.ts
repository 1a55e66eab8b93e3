import { createEvent, type Event, EventType } from '@tradpal/events'
import { expect, it } from 'vitest'
import type { Storage } from '../../src/log/index.ts'
import { EventStore } from '../../src/store/index.ts'
import { describeOnEachLog } from '../support/each-log.ts'
import { append, signal, signals, timesOf, withFaults } from '../support/events.ts'

const price = (symbol: string) => createEvent(EventType.MARKET_DATA_UPDATE, { symbol, price: 1 })
const ids = (events: readonly Event[]) => events.map(({ eventId }) => eventId)

/** Entries that are no events: what another writer can leave in the log. */
const poison = (storage: Storage) =>
  storage.log.append([{ eventId: crypto.randomUUID(), eventType: 'risk_alert', payload: 'no JSON' }])

/** Appends each event in a millisecond of its own, so that their times differ. */
async function appendApart(storage: Storage, events: readonly Event[]): Promise<string[]> {
  const messageIds: string[] = []
  for (const event of events) {
    const newest = (await storage.log.info()).last?.appendedAt ?? 0
    while (Date.now() <= newest) await new Promise(setImmediate)
    messageIds.push(...(await append(storage, event)))
  }
  return messageIds
}

describeOnEachLog('a query', (under) => {
  async function opened() {
    const storage = await under.open()
    return { storage, store: new EventStore({ storage }) }
  }

  it('finds the events of one type, of several and of all, with their message ids', async () => {
    const { storage, store } = await opened()
    const events = [price('AAPL'), signal('AAPL'), createEvent(EventType.RISK_ALERT, { message: 'drawdown' })]
    const messageIds = await append(storage, ...events)

    expect(await store.getEvents()).toEqual(
      events.map((event, i) => ({ ...event, messageId: messageIds[i], valid: true }))
    )
    expect(ids(await store.getEvents({ eventType: 'trading_signal' }))).toEqual(ids(events.slice(1, 2)))
    expect(ids(await store.getEvents({ eventType: ['risk_alert', 'market_data_update'] }))).toEqual(
      ids([events[0], events[2]] as Event[])
    )
    expect(ids(await store.getEvents({ eventType: '*' }))).toEqual(ids(events))
    expect(await store.getEvents({ eventType: 'order_executed' })).toEqual([])
  })

  it('reads an alias of a type as the type', async () => {
    const { storage, store } = await opened()
    const event = createEvent(EventType.BACKTEST_COMPLETED, { symbol: 'AAPL' })
    await append(storage, event)
    expect(ids(await store.getEvents({ eventType: 'backtest_complete' }))).toEqual([event.eventId])
  })

  it('narrows by symbol', async () => {
    const { storage, store } = await opened()
    const events = [price('AAPL'), price('MSFT'), signal('AAPL'), createEvent(EventType.RISK_ALERT, { message: 'x' })]
    await append(storage, ...events)
    expect(ids(await store.getEvents({ symbol: 'AAPL' }))).toEqual(ids([events[0], events[2]] as Event[]))
    expect(ids(await store.getEvents({ symbol: 'AAPL', eventType: 'trading_signal' }))).toEqual(ids(events.slice(2, 3)))
  })

  it('narrows by several symbols, in events, in counts, in replays and in what follows', async () => {
    const { storage, store } = await opened()
    const events = [price('AAPL'), price('MSFT'), signal('TSLA'), createEvent(EventType.RISK_ALERT, { message: 'x' })]
    await append(storage, ...events)
    const range = { symbols: ['TSLA', 'AAPL'] }
    const wanted = ids([events[0], events[2]] as Event[])

    expect(ids(await store.getEvents(range))).toEqual(wanted)
    expect(ids(await Array.fromAsync(store.readEvents(range)))).toEqual(wanted)
    expect(ids(await Array.fromAsync(store.replay(range)))).toEqual(wanted)
    expect(await store.countEvents(range)).toBe(2)
    expect(await store.countEvents()).toBe(4)
    const [page] = await Array.fromAsync(store.follow('start', range, AbortSignal.timeout(100)))
    expect(ids(page?.events ?? [])).toEqual(wanted)
  })

  it('takes both ends of a range of time in, as a Date, as a text and as milliseconds', async () => {
    const { storage, store } = await opened()
    const events = signals(4)
    const messageIds = await appendApart(storage, events)
    const [from = 0, to = 0] = await timesOf(storage, messageIds.slice(1, 3))
    const middle = ids(events.slice(1, 3))

    expect(ids(await store.getEvents({ startTime: from, endTime: to }))).toEqual(middle)
    expect(ids(await store.getEvents({ startTime: new Date(from), endTime: new Date(to) }))).toEqual(middle)
    const text = (ms: number) => new Date(ms).toISOString()
    expect(ids(await store.getEvents({ startTime: text(from), endTime: text(to) }))).toEqual(middle)
    expect(ids(await store.getEvents({ startTime: from }))).toEqual(ids(events.slice(1)))
    expect(ids(await store.getEvents({ endTime: to }))).toEqual(ids(events.slice(0, 3)))
    expect(await store.getEvents({ startTime: to + 60_000 })).toEqual([])
    expect(await store.getEvents({ endTime: 0 })).toEqual([])
  })

  it('leads from a range in which nothing was found to what came after it', async () => {
    const { storage, store } = await opened()
    const ids = await appendApart(storage, [price('AAPL'), price('AAPL'), price('AAPL'), price('MSFT')])
    const [first = 0, second = 0] = await timesOf(storage, ids.slice(0, 2))
    for (const filter of [{ symbol: 'MSFT' }, { symbol: 'MSFT', eventType: 'market_data_update' }] as const) {
      const empty = await store.getPage({ ...filter, startTime: first, endTime: second })
      expect(empty.events).toEqual([])
      const next = await store.getEvents({ ...filter, after: empty.position, onGap: 'error' })
      expect(next.map(({ messageId }) => messageId)).toEqual([ids[3]])
    }
    const ahead = await store.getPage({ startTime: Date.now() + 60_000, endTime: Date.now() + 120_000 })
    const [later = ''] = await appendApart(storage, [price('AAPL')])
    const found = await store.getEvents({ after: ahead.position, onGap: 'error' })
    expect(found.map(({ messageId }) => messageId)).toEqual([later])
  })

  it('goes on behind a message id', async () => {
    const { storage, store } = await opened()
    const events = signals(4)
    const messageIds = await append(storage, ...events)
    const after = messageIds[1] ?? ''
    expect(ids(await store.getEvents({ after }))).toEqual(ids(events.slice(2)))
    expect(ids(await store.getEvents({ after, limit: 1 }))).toEqual(ids(events.slice(2, 3)))
    expect(await store.getEvents({ after: messageIds[3] ?? '' })).toEqual([])
  })

  it('answers the newest without a start and the first with one, oldest first either way', async () => {
    const { storage, store } = await opened()
    const events = signals(5)
    await append(storage, ...events)
    expect(ids(await store.getEvents({ limit: 2 }))).toEqual(ids(events.slice(3)))
    expect(ids(await store.getEvents({ limit: 2, endTime: Date.now() + 60_000 }))).toEqual(ids(events.slice(3)))
    expect(ids(await store.getEvents({ limit: 2, startTime: 0 }))).toEqual(ids(events.slice(0, 2)))
  })

  it('answers 100 events unless told otherwise', async () => {
    const { storage, store } = await opened()
    const events = signals(120)
    await append(storage, ...events)
    expect(ids(await store.getEvents())).toEqual(ids(events.slice(20)))
    expect(await store.getEvents({ limit: 120 })).toHaveLength(120)
  })

  it('counts matches against the limit, not what it looked at', async () => {
    const { storage, store } = await opened()
    const rare = [signal('RARE', 1), signal('RARE', 2), signal('RARE', 3)] as const
    await append(storage, rare[0], ...signals(150), rare[1], ...signals(250), rare[2], ...signals(150))
    expect(ids(await store.getEvents({ symbol: 'RARE', limit: 2 }))).toEqual(ids(rare.slice(1)))
    expect(ids(await store.getEvents({ symbol: 'RARE', limit: 2, startTime: 0 }))).toEqual(ids(rare.slice(0, 2)))
  })

  it('reads any number of events, those that are appended meanwhile too, each once', async () => {
    const { storage, store } = await opened()
    const events = signals(2_500)
    const late = signals(1_500)
    await append(storage, ...events)
    const read: Event[] = []
    for await (const event of store.readEvents()) {
      if (read.push(event) === 1) await append(storage, ...late)
    }
    expect(ids(read)).toEqual(ids([...events, ...late]))
  })

  it('reads a page at a time, and no further when the reader stops', async () => {
    const { storage } = await opened()
    await append(storage, ...signals(2_500))
    const limits: number[] = []
    const watched = withFaults(storage, {
      read: (range) => {
        limits.push(range.limit)
        return storage.log.read(range)
      }
    })
    const store = new EventStore({ storage: watched })
    let count = 0
    for await (const _ of store.readEvents()) if (++count === 1_001) break
    expect(limits).toEqual([1_000, 1_000])
    expect(await Array.fromAsync(store.readEvents())).toHaveLength(2_500)
  })

  it('passes over entries that are no events', async () => {
    const { storage, store } = await opened()
    const events = [signal('AAPL', 1), signal('AAPL', 2)] as const
    await poison(storage)
    await append(storage, events[0])
    const [refused] = await poison(storage)
    await append(storage, events[1])
    expect(ids(await Array.fromAsync(store.readEvents()))).toEqual(ids(events))
    expect(ids(await store.getEvents({ limit: 2 }))).toEqual(ids(events))
    expect(await store.getEvent(refused?.messageId ?? '')).toBeUndefined()
  })

  it('finds one event by its message id', async () => {
    const { storage, store } = await opened()
    const event = signal()
    const [messageId = ''] = await append(storage, event)
    expect(await store.getEvent(messageId)).toEqual({ ...event, messageId, valid: true })
    expect(await store.getEvent('1-1')).toBeUndefined()
    await expect(store.getEvent('yesterday')).rejects.toMatchObject({ code: 'invalid_message_id' })
  })

  it('refuses a wrong argument in a sentence, in getEvents and in readEvents', async () => {
    const { store } = await opened()
    const wrong: [object, string, RegExp][] = [
      [{ startTime: 2, endTime: 1 }, 'invalid_argument', /^startTime is after endTime/],
      [{ startTime: 1, after: '1-0' }, 'invalid_argument', /^startTime and after exclude each other/],
      [{ startTime: 'yesterday' }, 'invalid_argument', /^startTime is no instant; .* got "yesterday"\.$/],
      [{ endTime: new Date(Number.NaN) }, 'invalid_argument', /^endTime is no instant; .* got Invalid Date\.$/],
      [{ endTime: Number.POSITIVE_INFINITY }, 'invalid_argument', /^endTime is no instant/],
      [{ startTime: null }, 'invalid_argument', /^startTime is no instant; .* got null\.$/],
      [{ eventType: [] }, 'invalid_argument', /^eventType is an empty list/],
      [{ eventType: 7 }, 'invalid_argument', /^eventType must be an event type or a list of them, got 7\.$/],
      [{ eventType: ['trading_signal', null] }, 'invalid_argument', /^eventType must be an event type or a list/],
      [{ eventType: 'trading_signl' }, 'unknown_event_type', /trading_signal/],
      [{ symbol: 5 }, 'invalid_argument', /^symbol must be a text, got 5; give several as symbols\.$/],
      [{ symbol: ['A'] }, 'invalid_argument', /give several as symbols\.$/],
      [{ symbols: 'A' }, 'invalid_argument', /^symbols must be a list of texts, got "A"\.$/],
      [{ symbols: [] }, 'invalid_argument', /^symbols is an empty list/],
      [{ symbol: 'A', symbols: ['A'] }, 'invalid_argument', /^symbol and symbols exclude each other/],
      [{ after: 'yesterday' }, 'invalid_message_id', /yesterday/]
    ]
    for (const [range, code, message] of wrong) {
      const refusal = expect.objectContaining({ code, message: expect.stringMatching(message) })
      await expect(store.getEvents(range), JSON.stringify(range)).rejects.toEqual(refusal)
      expect(() => store.readEvents(range), JSON.stringify(range)).toThrow(refusal)
    }
    for (const limit of [0, -1, 1.5, Number.NaN, null as unknown as number]) {
      await expect(store.getEvents({ limit })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(/^limit must be a whole number of at least 1, got /)
      })
    }
  })
})
