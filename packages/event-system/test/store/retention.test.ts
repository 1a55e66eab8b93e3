import { createEvent, type Event, EventType } from '@tradpal/events'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EventSystem } from '../../src/event-system.ts'
import type { Storage } from '../../src/log/index.ts'
import { Retention, type RetentionPolicy } from '../../src/store/index.ts'
import { FakeClock, waitFor } from '../../src/testing/index.ts'
import { ALL_LOGS, describeOn } from '../support/each-log.ts'
import { append, signal, signals, timesOf, withFaults } from '../support/events.ts'
import { systemOptionsFor } from '../support/log-place.ts'

const A_DAY_MS = 86_400_000
const { TRADING_SIGNAL, MARKET_DATA_UPDATE, PORTFOLIO_UPDATE } = EventType

const price = (symbol = 'AAPL') => createEvent(MARKET_DATA_UPDATE, { symbol, price: 1 }, { source: 'test' })

/** Retention of a log, as it would be so many ms from now. */
function retentionOf(storage: Storage, policy?: RetentionPolicy, inMs = 0): Retention {
  return new Retention({ storage, clock: new FakeClock(Date.now() + inMs), policy })
}

async function idsOf(storage: Storage): Promise<string[]> {
  return (await storage.log.read({ limit: 10_000 })).entries.map(({ messageId }) => messageId)
}

describeOn(ALL_LOGS, 'retention', (logs) => {
  test('keeps what is younger than its age', async () => {
    const storage = await logs.open()
    const [old, young] = [await append(storage, ...signals(3)), await pauseThenAppend(storage)]
    const [youngest = 0] = await timesOf(storage, young)
    const clock = new FakeClock(youngest + A_DAY_MS)
    const retention = new Retention({ storage, clock, policy: { maxAgeMs: A_DAY_MS } })
    const result = await retention.enforce()
    expect(result).toEqual({ removed: old.length, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: false })
    expect(await idsOf(storage)).toEqual(young)
  })

  test('keeps so many, and no more bytes than so many', async () => {
    const storage = await logs.open()
    const ids = await append(storage, ...signals(10))
    await retentionOf(storage, { maxLength: 4 }).enforce()
    expect(await idsOf(storage)).toEqual(ids.slice(-4))
    await retentionOf(storage, { maxBytes: 0 }).enforce()
    expect(await idsOf(storage)).toEqual([])
  })

  test('of several limits, the one that asks most decides, and a dry run says the same and removes nothing', async () => {
    const storage = await logs.open()
    const ids = await append(storage, ...signals(10))
    const retention = retentionOf(storage, { maxLength: 7, maxAgeMs: A_DAY_MS, maxBytes: 10 ** 9 }, A_DAY_MS / 2)
    expect(await retention.enforce({ dryRun: true })).toMatchObject({ removed: 3 })
    expect(await idsOf(storage)).toEqual(ids)
    expect(await retention.enforce()).toMatchObject({ removed: 3 })
    expect(await idsOf(storage)).toEqual(ids.slice(3))
  })

  test('a day of market data and seven years of signals stand in one log', async () => {
    const storage = await logs.open()
    const [, bought, , sold, moved] = await append(storage, price(), signal(), price(), signal(), portfolio())
    const policy = { maxAgeMs: 30 * A_DAY_MS, byType: byAge({ market_data_update: 1, trading_signal: 7 * 365 }) }
    expect(await retentionOf(storage, policy, 2 * A_DAY_MS).enforce()).toMatchObject({ removed: 2 })
    expect(await idsOf(storage)).toEqual([bought, sold, moved])
    expect(await retentionOf(storage, policy, 31 * A_DAY_MS).enforce()).toMatchObject({ removed: 1 })
    expect(await idsOf(storage)).toEqual([bought, sold])
    expect(await retentionOf(storage, policy, 8 * 365 * A_DAY_MS).enforce()).toMatchObject({ removed: 2 })
    expect(await idsOf(storage)).toEqual([])
  })

  test('what no group has acknowledged stays, whatever its type, until it is forced, and that is counted', async () => {
    const storage = await logs.open()
    const ids = await append(storage, price(), signal(), price(), signal(), price())
    const group = storage.queue('desk')
    await group.create('start')
    const read = await group.read('one', { limit: 3, waitMs: 0 })
    await group.acknowledge('one', read.slice(0, 2))
    const policy = { byType: byAge({ market_data_update: 1 }) }
    const retention = retentionOf(storage, policy, 2 * A_DAY_MS)
    expect(await retention.enforce()).toEqual({ removed: 1, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: true })
    expect(await idsOf(storage)).toEqual(ids.slice(1))
    const forced = { removed: 2, lost: 2, lostByGroup: { desk: 2 }, lostByCursor: {}, guarded: false }
    expect(await retention.enforce({ force: true, dryRun: true })).toEqual(forced)
    expect(await idsOf(storage)).toEqual(ids.slice(1))
    expect(await retention.enforce({ force: true })).toEqual(forced)
    expect(await idsOf(storage)).toEqual([ids[1], ids[3]])
  })

  test('one event that is pending for ever keeps none of a type behind it', async () => {
    const storage = await logs.open()
    const ids = await append(storage, ...Array.from({ length: 1_500 }, () => price()))
    const group = storage.queue('desk')
    await group.create('start')
    const read = await group.read('one', { limit: 1_500, waitMs: 0 })
    await group.acknowledge('one', read.slice(1))
    const policy = { byType: byAge({ market_data_update: 1 }) }
    expect(await retentionOf(storage, policy, 2 * A_DAY_MS).enforce()).toMatchObject({ removed: 1_499, guarded: true })
    expect(await idsOf(storage)).toEqual([ids[0]])
  })

  test('behind a thousand that a group has not acknowledged it goes no further, and goes on when they are', async () => {
    const storage = await logs.open()
    await append(storage, ...Array.from({ length: 2_500 }, () => price()))
    const group = storage.queue('desk')
    await group.create('start')
    const read = await group.read('one', { limit: 2_500, waitMs: 0 })
    await group.acknowledge('one', read.slice(1_000))
    const retention = retentionOf(storage, { byType: byAge({ market_data_update: 1 }) }, 2 * A_DAY_MS)
    expect(await retention.enforce()).toMatchObject({ removed: 0, guarded: true })
    await group.acknowledge('one', read.slice(0, 1_000))
    expect(await retention.enforce()).toMatchObject({ removed: 2_500, guarded: false })
  })

  test('what was appended, and what others removed, since it looked last counts', async () => {
    const storage = await logs.open()
    const policy = { byType: { [MARKET_DATA_UPDATE]: { maxLength: 3 }, [TRADING_SIGNAL]: { maxLength: 2 } } }
    const [one, other] = [retentionOf(storage, policy), retentionOf(storage, policy)]
    await append(storage, price(), price(), signal())
    expect(await Promise.all([one.enforce(), other.enforce()])).toMatchObject([{ removed: 0 }, { removed: 0 }])
    const [kept] = await append(storage, price(), price(), price(), signal(), signal())
    expect(await one.enforce()).toMatchObject({ removed: 3 })
    expect(await other.enforce()).toMatchObject({ removed: 0 })
    const last = await append(storage, price())
    expect(await other.enforce()).toMatchObject({ removed: 1 })
    const left = await idsOf(storage)
    expect(left).toHaveLength(5)
    expect(left).not.toContain(kept)
    expect(left.at(-1)).toBe(last[0])
  })

  test('of each type there is left what its limits say, however the types are mixed', async () => {
    const types = [MARKET_DATA_UPDATE, TRADING_SIGNAL, PORTFOLIO_UPDATE] as const
    const limits = fc.record({ maxLength: fc.nat(30), maxBytes: fc.nat(8_000) }, { requiredKeys: [] })
    const policies = fc
      .record({ all: limits, prices: limits, trades: limits })
      .filter(({ prices, trades }) => [prices, trades].every((one) => Object.keys(one).length > 0))
    const mixes = fc.array(fc.array(fc.nat(2), { maxLength: 40 }), { minLength: 1, maxLength: 3 })
    const storage = await logs.open()
    const run = async ({ all, prices, trades }: Record<'all' | 'prices' | 'trades', object>, rounds: number[][]) => {
      await storage.log.trim({ maxLength: 0 })
      const byType = { [MARKET_DATA_UPDATE]: prices, [TRADING_SIGNAL]: trades }
      const retention = retentionOf(storage, { ...all, byType })
      let expected: Stored[] = []
      for (const round of rounds) {
        const events = round.map((i) => eventOf(types[i] ?? TRADING_SIGNAL))
        const ids = await append(storage, ...events)
        const stored = (await storage.log.read({ limit: 10_000 })).entries.filter(({ messageId }) =>
          ids.includes(messageId)
        )
        expected.push(
          ...stored.map(({ messageId, payload }, i) => ({
            messageId,
            type: events[i]?.eventType ?? '',
            bytes: Buffer.byteLength(payload ?? '')
          }))
        )
        expected = leftOf(expected, { ...byType, [PORTFOLIO_UPDATE]: all })
        await retention.enforce()
        expect(await idsOf(storage)).toEqual(expected.map(({ messageId }) => messageId))
      }
    }
    await fc.assert(fc.asyncProperty(policies, mixes, run), { numRuns: 40 })
  })

  test('given to a system, it is enforced every minute, and says what it removed and what it keeps', async () => {
    const clock = new FakeClock(Date.now())
    const said: [object, string][] = []
    const write = (details: object, message: string) => {
      // A Redis of a test keeps nothing on its disk, which is warned of.
      if (!message.startsWith('the log may lose events')) said.push([details, message])
    }
    const logger = { debug: write, info: write, warn: write, error: write, child: () => logger }
    const options = systemOptionsFor(logs.place)
    const system = new EventSystem({ ...options, environment: {}, clock, logger, retention: { maxLength: 2 } })
    onTestFinished(async () => void (await system.close()))
    await system.initialize()
    await waitFor(() => clock.sleeping === 1)
    const ids = await system.publishBatch(signals(5))
    await clock.advance(60_000)
    await waitFor(() => said.length === 1)
    expect(said).toEqual([[{ removed: 3 }, 'retention removed events']])
    expect(await idsOf(system.storage)).toEqual(ids.slice(3))
    await system.storage.queue('desk').create('start')
    await system.publishBatch(signals(1))
    for (let minute = 0; minute < 3; minute++) {
      await waitFor(() => clock.sleeping === 1)
      await clock.advance(60_000)
    }
    await waitFor(() => said.length === 2)
    const { removed, lost, lostByGroup, lostByCursor } = await system.retention.enforce({
      policy: { maxLength: 0 },
      force: true
    })
    expect(said[2]).toEqual([
      { removed, lost, lostByGroup, lostByCursor },
      expect.stringMatching(/had not acknowledged/)
    ])
    expect([lost, lostByGroup]).toEqual([3, { desk: 3 }])
    expect(said[1]?.[1]).toMatch(/a consumer group has not acknowledged them/)
  })

  test('is enforced by one of the processes that have the same policy, and by another when that one ends', async () => {
    const storage = await logs.open()
    const policies = [{ maxLength: 2 }, { maxLength: 2 }, { maxLength: 1_000 }]
    const trims = [0, 0, 0]
    const clock = new FakeClock()
    const [first, second, other] = policies.map((policy, i) => {
      const counted = withFaults(storage, {
        trim(target, options) {
          trims[i] = (trims[i] ?? 0) + 1
          return storage.log.trim(target, options)
        }
      })
      const retention = new Retention({ storage: counted, clock, policy })
      onTestFinished(() => retention.close())
      return retention
    }) as [Retention, Retention, Retention]
    await append(storage, ...signals(5))
    const enforced = async (retention: Retention, i: number) => {
      const before = trims[i] ?? 0
      retention.start()
      await waitFor(async () => {
        await clock.advance(60_000)
        return (trims[i] ?? 0) > before
      })
    }
    await enforced(first, 0)
    second.start()
    await enforced(other, 2)
    for (let minute = 0; minute < 5; minute++) await clock.advance(60_000)
    expect(trims[1]).toBe(0)
    await first.close()
    await enforced(second, 1)
    expect(await idsOf(storage)).toHaveLength(2)
  })
})

describe('a retention policy', () => {
  test.each([
    [{}, 'Retention needs a limit: maxLength, maxAgeMs or maxBytes, of the log or by type.'],
    [{ maxLength: -1 }, 'maxLength must be a whole number of at least 0, got -1.'],
    [{ maxAgeMs: 0 }, 'maxAgeMs must be a whole number of at least 1, got 0.'],
    [{ maxBytes: 1.5 }, 'maxBytes must be a whole number of at least 0, got 1.5.'],
    [{ maxAge: 1 }, 'maxAge is no option of retention; did you mean maxAgeMs?'],
    [{ byType: { trading_signal: {} } }, 'Retention of trading_signal needs maxLength, maxAgeMs or maxBytes.'],
    [
      { byType: { trading_signal: { maxLength: -1 } } },
      'maxLength of trading_signal must be a whole number of at least 0, got -1.'
    ],
    [
      { byType: { trading_signals: { maxLength: 1 } } },
      'There is no event type trading_signals; register it before, or correct its name.'
    ]
  ] as [RetentionPolicy, string][])('that is %j is refused', (retention, message) => {
    const construct = () => new EventSystem({ environment: {}, retention })
    expect(construct).toThrow(
      expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining(message) })
    )
  })

  test('is needed to enforce one', async () => {
    const retention = new EventSystem({ environment: {} }).retention
    await expect(retention.enforce()).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

interface Stored {
  readonly messageId: string
  readonly type: string
  readonly bytes: number
}

/** The newest of each type that its limits have room for. */
function leftOf(
  stored: readonly Stored[],
  limits: Record<string, { maxLength?: number; maxBytes?: number }>
): Stored[] {
  const seen = new Map<string, { count: number; bytes: number }>()
  const newestFirst = stored.toReversed().filter(({ type, bytes }) => {
    const { maxLength = Infinity, maxBytes = Infinity } = limits[type] ?? {}
    const before = seen.get(type) ?? { count: 0, bytes: 0 }
    const now = { count: before.count + 1, bytes: before.bytes + bytes }
    seen.set(type, now)
    return now.count <= maxLength && now.bytes <= maxBytes
  })
  return newestFirst.reverse()
}

function eventOf(type: string): Event {
  if (type === MARKET_DATA_UPDATE) return price('x'.repeat(1 + Math.floor(Math.random() * 99)))
  return type === TRADING_SIGNAL ? signal() : portfolio()
}

function portfolio(): Event {
  return createEvent(PORTFOLIO_UPDATE, {}, { source: 'test' })
}

function byAge(days: Readonly<Record<string, number>>): Record<string, { maxAgeMs: number }> {
  return Object.fromEntries(Object.entries(days).map(([type, count]) => [type, { maxAgeMs: count * A_DAY_MS }]))
}

/** Appends at a later ms than all that is there. */
async function pauseThenAppend(storage: Storage): Promise<string[]> {
  const newest = (await storage.log.info()).last?.appendedAt ?? 0
  await waitFor(() => Date.now() > newest + 1)
  return append(storage, ...signals(2))
}
