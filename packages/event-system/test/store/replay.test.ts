import { createEvent, EventType } from '@tradpal/events'
import { expect, it } from 'vitest'
import type { ReadRange, Storage } from '../../src/log/index.ts'
import { EventStore, type ReplayPace } from '../../src/store/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, signal, signals, withFaults } from '../support/events.ts'

/** A symbol that no log looks for by itself: each event is looked at. */
const IN_NO_INDEX = 'x'.repeat(201)

describeOn(ALL_LOGS, 'a replay', (under) => {
  async function opened(count: number) {
    const storage = await under.open()
    const events = signals(count)
    if (count > 0) await append(storage, ...events)
    return { storage, store: new EventStore({ storage }), prices: events.map(({ data }) => data.price) }
  }

  it('hands over the events of its range in log order and says how many', async () => {
    const { storage, store, prices } = await opened(2_100)
    await append(storage, createEvent(EventType.RISK_ALERT, { message: 'drawdown' }))
    const replayed: unknown[] = []
    expect(
      await store.replayEvents({ eventType: 'trading_signal' }, (event) => void replayed.push(event.data.price))
    ).toBe(2_100)
    expect(replayed).toEqual(prices)
    expect(await store.replayEvents({ eventType: 'order_executed' }, () => {})).toBe(0)
    expect(await store.replayEvents({}, () => {})).toBe(2_101)
  })

  it('leaves the event loop to others while nothing matches', async () => {
    const { store } = await opened(5_000)
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    await store.replayEvents({ eventType: 'trading_signal', symbol: IN_NO_INDEX }, () => {})
    clearInterval(timer)
    expect(turns).toBeGreaterThan(1)
  })

  it('hands over the next event when the handler is done with the last', async () => {
    const { store } = await opened(3)
    const steps: string[] = []
    await store.replayEvents({}, async ({ data }) => {
      steps.push(`begin ${data.price}`)
      await new Promise(setImmediate)
      steps.push(`end ${data.price}`)
    })
    expect(steps).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2'])
  })

  it('ends with the error of the handler', async () => {
    const { store } = await opened(3)
    const seen: unknown[] = []
    const replay = store.replayEvents({}, async ({ data }) => {
      seen.push(data.price)
      if (data.price === 1) throw new Error('no more')
    })
    await expect(replay).rejects.toThrow('no more')
    expect(seen).toEqual([0, 1])
  })

  it('ends with the reason of its signal in the middle of a page', async () => {
    const { store } = await opened(5)
    const stop = new AbortController()
    const seen: unknown[] = []
    const replay = store.replayEvents(
      {},
      ({ data }) => {
        seen.push(data.price)
        if (data.price === 2) stop.abort(new Error('enough'))
      },
      { signal: stop.signal }
    )
    await expect(replay).rejects.toThrow('enough')
    expect(seen).toEqual([0, 1, 2])
  })

  it('looks at its signal at every page, also when nothing matches', async () => {
    const { storage } = await opened(5_000)
    const stop = new AbortController()
    let pages = 0
    const watched = withFaults(storage, {
      read: async (range) => {
        if (++pages === 2) stop.abort(new Error('enough'))
        return storage.log.read(range)
      }
    })
    const store = new EventStore({ storage: watched })
    const replay = store.replayEvents({ symbol: IN_NO_INDEX }, () => {}, { signal: stop.signal })
    await expect(replay).rejects.toThrow('enough')
    expect(pages).toBe(2)
  })

  it('reads nothing when its signal was aborted before', async () => {
    const { store } = await opened(0)
    await expect(store.replay({}, { signal: AbortSignal.abort(new Error('never')) }).next()).rejects.toThrow('never')
  })

  it('refuses a speed that is none', async () => {
    const { store } = await opened(0)
    for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '2' as unknown as number]) {
      const refusal = {
        code: 'invalid_argument',
        message: expect.stringMatching(/^speed must be a number above 0, or 'max'/)
      }
      expect(() => store.replay({}, { speed })).toThrow(expect.objectContaining(refusal))
      await expect(store.replayEvents({}, () => {}, { speed })).rejects.toMatchObject(refusal)
    }
  })
})

/** The log as if it had taken its entries at these times. */
function takenAt(storage: Storage, times: readonly number[]): Storage {
  const read = async (range: ReadRange) => {
    const page = await storage.log.read(range)
    return { ...page, entries: page.entries.map((entry, i) => ({ ...entry, appendedAt: times[i] as number })) }
  }
  return withFaults(storage, { read })
}

describeOn(ALL_LOGS, 'the pace of a replay', (under) => {
  /** A replay of three events that the log took 1,000 and then 500 ms after each other. */
  async function paced(pace: ReplayPace) {
    const real = await under.open()
    await append(real, signal('AAPL', 0), signal('AAPL', 1), signal('AAPL', 2))
    const storage = takenAt(
      real,
      [0, 1_000, 1_500].map((ms) => 1_767_225_600_000 + ms)
    )
    const clock = new FakeClock()
    const start = clock.now()
    const at: number[] = []
    const done = new EventStore({ storage, clock }).replayEvents({}, () => void at.push(clock.now() - start), pace)
    done.catch(() => {})
    return { clock, at, done }
  }

  it.each([
    [1, [0, 1_000, 1_500]],
    [10, [0, 100, 150]],
    [0.5, [0, 2_000, 3_000]]
  ])('is that at which the log took the events, times %s', async (speed, expected) => {
    const { clock, at, done } = await paced({ speed })
    await waitFor(() => clock.sleeping === 1)
    expect(at).toEqual([0])
    await clock.advance((expected[1] as number) - 1)
    expect(at).toEqual([0])
    await clock.advance(10_000)
    expect(await done).toBe(3)
    expect(at).toEqual(expected)
  })

  it.each([{ speed: 'max' } as const, {}])('does not wait at %o', async (pace) => {
    const { at, done } = await paced(pace)
    expect(await done).toBe(3)
    expect(at).toEqual([0, 0, 0])
  })

  it('does not fall behind for the time that a handler takes', async () => {
    const real = await under.open()
    await append(real, signal('AAPL', 0), signal('AAPL', 1), signal('AAPL', 2))
    const storage = takenAt(real, [0, 1_000, 2_000])
    const clock = new FakeClock(0)
    const at: number[] = []
    const done = new EventStore({ storage, clock }).replayEvents(
      {},
      async () => {
        at.push(clock.now())
        await clock.sleep(400)
      },
      { speed: 1 }
    )
    await waitFor(() => clock.sleeping === 1)
    await clock.advance(5_000)
    await done
    expect(at).toEqual([0, 1_000, 2_000])
  })

  it('is broken off by the signal while it waits', async () => {
    const stop = new AbortController()
    const { clock, at, done } = await paced({ speed: 1, signal: stop.signal })
    await waitFor(() => clock.sleeping === 1)
    stop.abort(new Error('enough'))
    await expect(done).rejects.toThrow('enough')
    expect(at).toEqual([0])
    expect(clock.sleeping).toBe(0)
  })
})
