import { createEvent, EventSystemError, EventType, type StoredEvent, systemClock } from '@tradpal/events'
import { expect, it } from 'vitest'
import { behind } from '../../src/log/conformance/entries.ts'
import type { Log } from '../../src/log/index.ts'
import { EventStore, type FollowedPage } from '../../src/store/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, signal, signals, timesOf, withFaults } from '../support/events.ts'

const ids = (events: readonly StoredEvent[]) => events.map(({ messageId }) => messageId)

/** Follows until so many events have come. */
async function take(pages: AsyncIterable<FollowedPage>, count: number) {
  const events: StoredEvent[] = []
  let position = ''
  for await (const page of pages) {
    events.push(...page.events)
    position = page.position
    if (events.length >= count) break
  }
  return { events, position }
}

describeOn(ALL_LOGS, 'following', (under) => {
  it('sees what is there and what another publisher appends, with no gap and no repeat, also across a resumption', async () => {
    const [storage, other] = [await under.open(), await under.open()]
    const store = new EventStore({ storage })
    const appended = await append(storage, ...signals(300))
    const publishing = (async () => {
      for (let i = 0; i < 60; i++) {
        appended.push(...(await append(other, ...signals(10))))
        await new Promise(setImmediate)
      }
    })()
    const first = await take(store.follow('start'), 350)
    const second = await take(store.follow({ after: first.position }), 900 - first.events.length)
    await publishing
    expect(ids([...first.events, ...second.events])).toEqual(appended)
    expect(second.position).toBe(await behind(storage, appended.at(-1)))
  })

  it('lets others go on between two pages, however much there is to read', async () => {
    const storage = await under.open()
    for (let i = 0; i < 5; i++) await append(storage, ...signals(1_000))
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const stop = new AbortController()
    let pages = 0
    let events = 0
    for await (const page of new EventStore({ storage }).follow('start', {}, stop.signal)) {
      pages++
      events += page.events.length
      // Work that takes a moment and no turn of the event loop, as writing to a file is.
      for (const until = performance.now() + 5; performance.now() < until; );
      if (events === 5_000) stop.abort()
    }
    clearInterval(timer)
    expect(pages).toBeGreaterThan(2)
    expect(turns).toBeGreaterThanOrEqual(pages - 1)
  })

  it('begins behind an event, at a time, or at the end as it is when it is called', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const before = await append(storage, signal(), signal())
    const [time = 0] = await timesOf(storage, before)
    const after = await behind(storage, before[0])
    const followed = store.follow('end')
    const later = store.follow({ after })
    const since = store.follow({ time })
    // Where the end is, a log over the network learns in the turn after.
    await storage.ping()
    const [late = ''] = await append(storage, signal())
    expect(ids((await take(followed, 1)).events)).toEqual([late])
    expect(ids((await take(later, 2)).events)).toEqual([before[1], late])
    expect(ids((await take(since, 3)).events)).toEqual([...before, late])
  })

  it('goes on behind the last page, with no gap and no repeat, when the log was away, and rejects with what no waiting mends', async () => {
    const storage = await under.open()
    let failure: EventSystemError | undefined
    const tail: Log['tail'] = (from, options) => {
      const pages = storage.log.tail(from, options)
      return (async function* () {
        for await (const page of pages) {
          if (failure !== undefined) throw failure
          yield page
        }
      })()
    }
    const clock = { ...systemClock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) }
    const store = new EventStore({ storage: withFaults(storage, { tail }), clock })
    await append(storage, signal())
    const pages = store.follow('end')
    failure = new EventSystemError('log_unavailable', 'The log is away.')
    const taken = take(pages, 300)
    const appended = await append(storage, ...signals(150))
    await new Promise(setImmediate)
    failure = undefined
    appended.push(...(await append(storage, ...signals(150))))
    expect(ids((await taken).events)).toEqual(appended)

    const broken = store.follow('start')
    failure = new EventSystemError('log_incompatible', 'It is no log.')
    await expect(broken.next()).rejects.toThrow('It is no log.')
  })

  it('narrows by type and symbol, passes over what is no event, and says how far it came all the same', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    await append(storage, createEvent(EventType.MARKET_DATA_UPDATE, { symbol: 'AAPL' }), signal('MSFT'))
    const [poison] = await storage.log.append([{ eventId: 'x', eventType: 'risk_alert', payload: '{}' }])
    const pages = store.follow('start', { eventType: 'trading_signal', symbol: 'AAPL' })
    expect((await pages.next()).value).toEqual({
      events: [],
      appendedAt: [],
      positions: [],
      position: await behind(storage, poison?.messageId)
    })
    const [wanted = ''] = await append(storage, signal('AAPL'))
    expect((await pages.next()).value).toMatchObject({
      events: [{ messageId: wanted }],
      appendedAt: await timesOf(storage, [wanted]),
      position: await behind(storage, wanted)
    })
    await pages.return()
  })

  it('ends when its signal is aborted, and when the log closes', async () => {
    const storage = await under.open()
    const store = new EventStore({ storage })
    const stop = new AbortController()
    const aborted = store.follow('start', {}, stop.signal).next()
    const closed = store.follow('start').next()
    stop.abort()
    expect(await aborted).toEqual({ done: true, value: undefined })
    await storage.close()
    expect(await closed).toEqual({ done: true, value: undefined })
  })

  it('refuses a wrong filter when it is called', async () => {
    const store = new EventStore({ storage: await under.open() })
    expect(() => store.follow('start', { eventType: 'trading_signl' as string })).toThrow(
      expect.objectContaining({ code: 'unknown_event_type' })
    )
  })
})
