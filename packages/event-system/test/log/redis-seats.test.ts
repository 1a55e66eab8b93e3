import { setTimeout as sleep } from 'node:timers/promises'
import { newEventId } from '@tradpal/events'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { randomFrom } from '../../../../test/support/random.ts'
import type { redisClient } from '../../../../test/support/redis-client.ts'
import { TcpProxy } from '../../../../test/support/tcp-proxy.ts'
import type { AppendEntry } from '../../src/log/port.ts'
import type { RedisLog, RedisLogOptions } from '../../src/log/redis/index.ts'
import { seatOf } from '../../src/log/redis/seats.ts'
import { waitFor } from '../../src/testing/index.ts'
import { redisInTest } from './redis-in-test.ts'
import { failure } from './redis-logs.ts'

const STREAM = 'tradpal_events'
/** No UUID, but with a 7 where those of version 7 have it, as they are remembered. */
const OWN = 'own-id-of-no-7-time'

/** The clock stands still until the next event is made: each is appended in the millisecond in which it was made. */
const clock = { now: Date.now, ms: Date.now(), aheadMs: 0 }

/** What createEvent and the codec make of an event: the text has the id in it. */
function entry(id?: string): AppendEntry {
  clock.ms = clock.now()
  const eventId = id ?? newEventId()
  return { eventId, eventType: 'trading_signal', payload: JSON.stringify({ event_id: eventId }) }
}

function seat({ eventId }: AppendEntry): string {
  return seatOf(eventId)?.id as string
}

/** An event id that is made at this time, ms since the epoch. */
function madeAt(ms: number): string {
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}${newEventId().slice(13)}`
}

/** The commands that a server gets from now on, until they are asked for, without those that scripts run. */
async function commandsOf(client: ReturnType<typeof redisClient>): Promise<() => Promise<string[]>> {
  const names: string[] = []
  const monitor = client.duplicate()
  await monitor.connect()
  onTestFinished(() => monitor.destroy())
  await monitor.monitor((line) => {
    const [, name = ''] = / \[\d+ (?!lua)[^\]]+\] "(\w+)"/.exec(String(line)) ?? []
    if (name !== '') names.push(name)
  })
  return async () => {
    await client.echo('the end')
    await waitFor(async () => names.includes('ECHO'), { timeoutMs: 5_000, what: 'the last command' })
    return names.filter((name) => name !== 'ECHO')
  }
}

describe('an event that is appended alone', () => {
  const redis = redisInTest()
  const { started } = redis
  beforeEach(() => {
    clock.aheadMs = 0
    vi.spyOn(Date, 'now').mockImplementation(() => clock.ms + clock.aheadMs)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  /** A log that knows the server's time, as any does that has just appended. */
  async function listening(options?: RedisLogOptions): Promise<RedisLog> {
    const log = await started(options)
    await log.append([entry()])
    return log
  }

  const remembered = async () => {
    const fields = await Promise.all([0, 1].map((i) => redis.client.hLen(`${STREAM}:recent:${i}`)))
    return fields.reduce((sum, count) => sum + count, 0)
  }
  const payloads = async (log: RedisLog) => (await log.read({ limit: 1_000 })).map(({ payload }) => payload)
  const addByHand = (id: string, payload: string) => redis.client.sendCommand(['XADD', STREAM, id, 'event', payload])

  /** Until it asks for seats, and gets one. */
  async function untilItAsks(log: RedisLog): Promise<void> {
    const gets = async () => {
      const one = entry()
      return (await log.append([one]))[0]?.messageId === seat(one)
    }
    await waitFor(gets, { timeoutMs: 5_000, what: 'an event that takes its seat' })
  }

  test('takes its seat, the message id of its event id, and Redis remembers nothing else of it', async () => {
    const log = await listening()
    const before = await remembered()
    for (let i = 0; i < 10; i++) {
      const one = entry()
      expect(await log.append([one])).toEqual([{ messageId: seat(one), duplicate: false }])
    }
    expect(await remembered()).toBe(before)
    expect((await log.info()).deduplicationEntries).toBe(11)
  })

  test.each(['alone', 'among others', 'with a stream key'])('is known again %s, by any log', async (how) => {
    const log = await listening()
    const one = entry()
    await log.append([one])
    const again = {
      alone: [one],
      'among others': [entry(OWN), one, entry()],
      'with a stream key': [{ ...one, streamKey: 'a key' }]
    }[how] as AppendEntry[]
    for (const any of [log, await listening(), await started()]) {
      const results = await any.append(again)
      expect(results[again.length === 1 ? 0 : 1]).toMatchObject({ messageId: seat(one), duplicate: true })
    }
    expect((await payloads(log)).filter((payload) => payload === one.payload)).toHaveLength(1)
  })

  test('is known again, and no conflict, whatever version is expected', async () => {
    const log = await listening()
    const one = entry()
    await log.append([one])
    const again = { ...one, streamKey: 'a key' }
    const expected = [{ key: 'a key', version: 7 }]
    expect(await log.append([again], { expected })).toMatchObject([{ messageId: seat(one), duplicate: true }])
    await expect(log.append([{ ...entry(), streamKey: 'a key' }], { expected })).rejects.toMatchObject({
      code: 'version_conflict'
    })
  })

  test('is known again in whatever company it comes, with whatever else, from whichever log', async () => {
    const logs = [await listening(), await listening(), await listening()] as const
    const company = fc.record({ log: fc.constantFrom(...logs), picks: fc.array(fc.nat(40), { minLength: 1 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(company, { minLength: 1 }),
        async (alone, companies) => {
          await untilItAsks(logs[0])
          const { length } = await logs[0].info()
          const entries = Array.from({ length: 41 }, () => ({ ...entry(), messageId: '' }))
          const appended = async (log: RedisLog, some: typeof entries) => {
            const seen = new Set(entries.filter(({ messageId }) => messageId !== ''))
            for (const [i, { messageId, duplicate }] of (await log.append(some)).entries()) {
              const one = some[i] as (typeof entries)[number]
              expect({ ...one, duplicate }).toEqual({ ...one, duplicate: seen.has(one) })
              if (duplicate) expect(messageId).toBe(one.messageId)
              one.messageId = messageId
              seen.add(one)
            }
          }
          for (const one of entries.slice(0, alone)) await appended(logs[0], [one])
          for (const { log, picks } of companies) {
            const some = picks.map((i) => entries[i] as (typeof entries)[number])
            await appended(log, some)
          }
          const there = (await logs[0].read({ limit: 100_000 })).slice(length)
          const known = entries.filter(({ messageId }) => messageId !== '')
          expect(there.map(({ payload }) => payload).toSorted()).toEqual(known.map(({ payload }) => payload).toSorted())
        }
      ),
      { numRuns: 40 }
    )
  })

  test('is new where another entry stands on its seat', async () => {
    const log = await listening()
    const one = entry()
    await addByHand(seat(one), 'by hand')
    expect(await log.append([one])).toMatchObject([{ duplicate: false }])
    expect((await payloads(log)).slice(-2)).toEqual(['by hand', one.payload])
  })

  test('is known among many that stand behind it in the same moment', async () => {
    const log = await listening()
    const one = entry()
    await log.append([one])
    const others = Array.from({ length: 40 }, () => entry())
    await log.append(others)
    const results = await log.append([...others, one])
    expect(results.map(({ duplicate }) => duplicate)).toEqual(Array(41).fill(true))
  })

  test('is appended again when the window is over', async () => {
    const log = await listening({ deduplicationWindowMs: 300 })
    const one = entry()
    expect(await log.append([one])).toMatchObject([{ messageId: seat(one) }])
    const again = async () => (await log.append([one]))[0]?.duplicate === false
    await waitFor(again, { timeoutMs: 5_000, what: 'it being appended again' })
    expect(await payloads(log)).toEqual([expect.anything(), one.payload, one.payload])
  })

  test('leaves no room for its first command, when that comes late and it was sent again', async () => {
    const log = await started()
    const ahead = fc.integer({ min: -500, max: 100 })
    await fc.assert(
      fc.asyncProperty(fc.array(ahead, { minLength: 1, maxLength: 40 }), async (aheads) => {
        const [seconds, microseconds] = (await redis.client.time()).map(Number) as [number, number]
        const now = seconds * 1_000 + Math.floor(microseconds / 1_000)
        const entries = aheads.map((ms) => entry(madeAt(now + ms)))
        await log.append(entries)
        for (const one of entries) await expect(addByHand(seat(one), one.payload)).rejects.toThrow('equal or smaller')
      }),
      { numRuns: 50 }
    )
  })

  test('behind its seat is appended all the same, once, and before what came behind it', async () => {
    const log = await listening()
    for (let i = 0; i < 5; i++) {
      await log.append([entry()])
      await addByHand(`${clock.now() + 20}-0`, 'by hand')
      const three = [entry(), entry(), entry()]
      const results = await Promise.all(three.map((one) => log.append([one])))
      expect(results.flat().map(({ duplicate }) => duplicate)).toEqual([false, false, false])
      expect((await payloads(log)).slice(-3)).toEqual(three.map(({ payload }) => payload))
      await untilItAsks(log)
    }
  })

  test('asks for no seat for a while, where it did not get one', async () => {
    const log = await listening()
    await addByHand(`${clock.now() + 20}-0`, 'by hand')
    const commands = await commandsOf(redis.client)
    for (let i = 0; i < 4; i++) await log.append([entry()])
    expect(await commands()).toEqual(['XADD', 'EVALSHA', 'EVALSHA', 'EVALSHA', 'EVALSHA'])
  })

  test('asks for no seat by the clock of a server that may be another by now', async () => {
    const proxy = await TcpProxy.before(Number(new URL(redis.server.url).port))
    onTestFinished(() => proxy.close())
    const log = await listening({ url: `redis://127.0.0.1:${proxy.port}` })
    proxy.reset()
    const appended = () => log.append([entry()])
    await failure(appended())
    const commands = await commandsOf(redis.client)
    await waitFor(appended, { timeoutMs: 5_000, what: 'the connection' })
    expect((await commands()).filter((name) => name === 'XADD' || name === 'EVALSHA')).toEqual(['EVALSHA'])
  })

  test('keeps what comes behind it waiting for no longer than that has time: it is not sent, and says so', async () => {
    const proxy = await TcpProxy.before(Number(new URL(redis.server.url).port))
    onTestFinished(() => proxy.close())
    const log = await listening({ url: `redis://127.0.0.1:${proxy.port}` })
    proxy.loseAnswers()
    const [first, second] = [entry(), entry()]
    const [lost, unsent] = await Promise.all([
      failure(log.append([first], { timeoutMs: 1_000 })),
      failure(log.append([second], { timeoutMs: 100 }))
    ])
    expect(lost).toMatchObject({ code: 'log_timeout' })
    expect(unsent).toMatchObject({ code: 'log_unavailable', message: expect.stringContaining('within 100 ms') })
    proxy.mend()
    const other = await started()
    expect(await other.append([first])).toEqual([{ messageId: seat(first), duplicate: true }])
    expect(await other.append([second])).toMatchObject([{ duplicate: false }])
  })

  test('over a network that delays, loses and cuts is there once, where its publisher was told, and in order', async () => {
    const random = randomFrom(20_261_127)
    const proxy = await TcpProxy.before(Number(new URL(redis.server.url).port))
    onTestFinished(() => proxy.close())
    const log = await listening({ url: `redis://127.0.0.1:${proxy.port}`, timeoutMs: 100 })
    const troubles = [() => proxy.delay(150), () => proxy.loseAnswers(), () => proxy.reset(), () => proxy.cutOff()]
    const told: { messageId: string | undefined; payload: string }[] = []
    const until = clock.now() + 3_000
    const publishing = (async () => {
      while (clock.now() < until) {
        const one = entry()
        const append = async () => (await log.append([one]))[0]
        told.push({ messageId: (await waitFor(append, { timeoutMs: 10_000 })).messageId, payload: one.payload })
      }
    })()
    while (clock.now() < until) {
      await sleep(50 + random() * 50)
      troubles[Math.floor(random() * troubles.length)]?.()
      await sleep(random() * 200)
      proxy.mend()
    }
    await publishing
    const other = await started()
    expect((await other.read({ limit: 100_000 })).slice(1)).toEqual(told)
    const sequences = told.map(({ messageId }) => Number(messageId?.split('-')[1]))
    expect(sequences.filter((sequence) => sequence >= 2 ** 16).length).toBeGreaterThan(told.length / 2)
  })

  test('and what waits behind it are both appended before the log is closed', async () => {
    const log = await listening()
    const appending = Promise.all([log.append([entry()]), log.append([entry()])])
    await log.close()
    expect((await appending).flat().map(({ duplicate }) => duplicate)).toEqual([false, false])
  })

  test('that nobody answers keeps a log that is closed waiting no longer than it says, with what waits behind it', async () => {
    const proxy = await TcpProxy.before(Number(new URL(redis.server.url).port))
    onTestFinished(() => proxy.close())
    const log = await listening({ url: `redis://127.0.0.1:${proxy.port}` })
    proxy.loseAnswers()
    const appending = [failure(log.append([entry()])), failure(log.append([entry()]))]
    const startedAt = performance.now()
    await log.close({ timeoutMs: 1_000 })
    expect(performance.now() - startedAt).toBeLessThan(1_800)
    await Promise.all(appending)
  })

  test.each([
    ['an hour ahead', 3_600_000],
    ['a second behind', -1_000]
  ])('by a clock that is %s gets its message id by the clock of Redis', async (_, ms) => {
    const log = await listening()
    clock.aheadMs = ms
    const one = entry()
    const [result] = await log.append([one])
    expect(result?.messageId).not.toBe(seat(one))
    expect(Math.abs(log.timeOf(result?.messageId as string) - clock.now())).toBeLessThan(500)
  })

  test('later than in its millisecond gets its message id by the clock of Redis', async () => {
    const log = await listening()
    const one = entry()
    await waitFor(async () => clock.now() > clock.ms, { timeoutMs: 5_000, what: 'the next millisecond' })
    clock.ms = clock.now()
    const [result] = await log.append([one])
    expect(log.timeOf(result?.messageId as string)).toBeGreaterThanOrEqual(clock.ms)
  })

  test('by a clock that is 200 ms ahead is known again when its time has come', async () => {
    clock.aheadMs = 200
    const log = await listening()
    const one = entry()
    await log.append([one])
    const itsTime = async () => clock.now() >= (seatOf(one.eventId)?.ms as number)
    await waitFor(itsTime, { timeoutMs: 5_000, what: 'that time' })
    clock.ms = clock.now()
    expect(await log.append([one])).toMatchObject([{ duplicate: true }])
  })

  test.each([
    ['whose id is no UUID of version 7', () => entry('an id of its own')],
    ['whose id is none, and has a 7 where those have it', () => entry(OWN)],
    ['whose text does not name its id', () => ({ ...entry(), payload: 'encoded in some other way' })]
  ])('%s is known again', async (_, make) => {
    const log = await listening()
    const one = make()
    const [result] = await log.append([one])
    expect(await log.append([one])).toEqual([{ messageId: result?.messageId, duplicate: true }])
  })

  test('without a window is not deduplicated', async () => {
    const log = await listening({ deduplicationWindowMs: 0 })
    const one = entry()
    for (let i = 0; i < 3; i++) expect(await log.append([one])).toMatchObject([{ duplicate: false }])
    expect(await payloads(log)).toHaveLength(4)
  })
})
