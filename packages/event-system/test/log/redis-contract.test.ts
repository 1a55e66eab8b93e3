import { randomUUID } from 'node:crypto'
import { newEventId } from '@tradpal/events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AppendEntry, AppendResult, Hold } from '../../src/log/port.ts'
import { RedisStorage } from '../../src/log/redis/index.ts'
import { redisInTest } from './redis-in-test.ts'

const NOW = { limit: 100, waitMs: 0 }

let ids = 0
function entry(payload = 'an event'): AppendEntry {
  return { eventId: `event-${++ids}`, eventType: 'trading_signal', payload }
}

describe('what stands in Redis', () => {
  const redis = redisInTest()
  const { started } = redis

  const command = (...args: string[]) => redis.client.sendCommand(args)
  const redisMs = async () => {
    const [seconds, microseconds] = (await redis.client.time()).map(Number) as [number, number]
    return seconds * 1_000 + Math.floor(microseconds / 1_000)
  }

  test('an event is one entry of tradpal_events with one field, event, and an id of its own', async () => {
    const storage = await started()
    const [result] = await storage.log.append([entry('{"event_type":"trading_signal"}')])
    const entries = await redis.client.xRange('tradpal_events', '-', '+')
    expect(entries?.map(({ id, message }) => ({ id, message: { ...message } }))).toEqual([
      { id: result?.messageId, message: { event: '{"event_type":"trading_signal"}' } }
    ])
    const info = await redis.client.xInfoStream('tradpal_events')
    expect(info).toMatchObject({ length: 1, 'last-generated-id': result?.messageId })
  })

  test.each([-3_600_000, -5, 50, 3_600_000])(
    'a message id has the time of Redis, when the clock of the publisher is off by %i ms',
    async (off) => {
      const storage = await started()
      const { now } = Date
      vi.spyOn(Date, 'now').mockImplementation(() => now() + off)
      onTestFinished(() => {
        vi.restoreAllMocks()
      })
      for (let i = 0; i < 20; i++) {
        const eventId = newEventId()
        const before = await redisMs()
        await storage.log.append([{ eventId, eventType: 'trading_signal', payload: eventId }])
        const time = (await storage.log.info()).last?.appendedAt
        expect(time).toBeGreaterThanOrEqual(before)
        expect(time).toBeLessThanOrEqual(await redisMs())
      }
    }
  )

  test('an entry that an older service adds by hand is an event like all others', async () => {
    const storage = await started()
    const group = storage.queue('tradpal_consumers')
    await group.create('start')
    const waiting = group.read('one', { limit: 10, waitMs: 5_000 })
    const messageId = await redis.client.xAdd('tradpal_events', '*', { event: '{"by":"hand"}' })
    const entry = { messageId, appendedAt: Number.parseInt(messageId, 10), payload: '{"by":"hand"}' }
    expect(await waiting).toEqual([{ ...entry, attempt: 1 }])
    expect(await storage.log.get([messageId])).toEqual([entry])
  })

  test('an entry with an event field among others is an event, and one without it shows what it holds', async () => {
    const storage = await started()
    await redis.client.xAdd('tradpal_events', '1-0', { note: 'x', event: 'an event' })
    await redis.client.xAdd('tradpal_events', '2-0', { note: 'x', price: '1' })
    expect((await storage.log.read({ limit: 10 })).entries).toEqual([
      { messageId: '1-0', appendedAt: 1, payload: 'an event' },
      { messageId: '2-0', appendedAt: 2, payload: null, raw: { note: 'x', price: '1' } }
    ])
  })

  test('no key outside the prefix of the stream is touched, whatever is called', async () => {
    await redis.client.set('another', 'stays')
    const storage = await started()
    await storage.log.append(Array.from({ length: 20 }, () => entry()))
    const group = storage.queue('group')
    await group.create('start')
    const deliveries = await group.read('one', NOW)
    await group.acknowledge('one', deliveries.slice(0, 5))
    await group.release('one', deliveries.slice(5, 10))
    await group.claim('two', { minIdleMs: 0, limit: 2 })
    await group.release('one', deliveries.slice(12, 13), { delayMs: 60_000 })
    await group.extend('one', deliveries)
    const [dead, noted] = deliveries.slice(10, 12).map(({ messageId, attempt }) => ({ messageId, attempt })) as [
      Hold,
      Hold
    ]
    const holder = { group: 'group', consumer: 'one' }
    const [token = 0] = await storage.leases.acquire(['relay'], { holder: 'one', ttlMs: 60_000 })
    await storage.cursors.create('follower', 'start')
    await storage.commit([
      { acknowledge: [{ ...dead, ...holder }], write: [{ collection: 'dead-letters', id: 'a', value: 'a letter' }] },
      { attach: [{ ...noted, group: 'group', text: 'a note', if: { consumer: 'one', attempt: 1 } }] },
      { requeue: [{ group: 'group', messageId: dead.messageId, attachment: 'amended' }] },
      { write: [{ collection: { name: 'ledger:group', keepMs: 60_000 }, id: 'event-1 step', value: '' }] },
      {
        fence: [{ lease: 'relay', token }],
        cursors: [{ name: 'follower', to: noted.messageId }],
        append: { entries: [{ ...entry(), streamKey: 'account-7' }] }
      }
    ])
    await storage.log.trim({ maxLength: 15 }, { force: true })
    await group.seek('start')
    await storage.counters.add([{ key: 'of:somebody', amount: 1, windowMs: 60_000 }])
    await storage.log.info()
    const keys = (await redis.client.keys('*')).filter((key) => key !== 'another' && key !== 'tradpal_events')
    expect(keys.map((key) => key.replace(/(?<=:)[01](?=$|:)/, 'N')).sort()).toEqual([
      'tradpal_events:counter:of:somebody',
      'tradpal_events:cursors',
      'tradpal_events:document-ids:dead-letters',
      'tradpal_events:documents:dead-letters',
      'tradpal_events:expiring:N:ledger:group',
      ...['attachments', 'delayed'].map((name) => `tradpal_events:group:group:${name}`),
      'tradpal_events:ids:N',
      'tradpal_events:leases',
      'tradpal_events:stream:account-7',
      'tradpal_events:stream_versions',
      'tradpal_events:streams'
    ])
    expect(await redis.client.get('another')).toBe('stays')
    await group.destroy()
    expect(await redis.client.keys('tradpal_events:group:*'), 'what outlives the group').toEqual([])
  })

  test('logs of other stream names do not see each other', async () => {
    const [left, right] = [await started({ streamName: 'left' }), await started({ streamName: 'right' })]
    const same = entry()
    const [[first], [second]] = [await left.log.append([same]), await right.log.append([same])]
    expect([first?.duplicate, second?.duplicate]).toEqual([false, false])
    await left.queue('group').create('start')
    expect((await left.log.read({ limit: 10 })).entries.length).toBe(1)
    expect((await right.log.info()).groups).toEqual([])
    await expect(right.queue('group').read('one', NOW)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('what was released or requeued is held by a consumer that goes away with the next claim', async () => {
    const storage = await started()
    await storage.log.append([entry()])
    const group = storage.queue('group')
    await group.create('start')
    await group.release('one', await group.read('one', NOW))
    expect((await group.info()).consumers.map(({ name }) => name)).toEqual(['one'])
    await group.claim('two', { minIdleMs: 0, limit: 10 })
    const consumers = await redis.client.xInfoConsumers('tradpal_events', 'group')
    expect(consumers.map(({ name, pending }) => [name, pending])).toEqual([
      ['one', 0],
      ['two', 1]
    ])
  })

  test('the lag of a group is right after it was made in the middle, and after a trim took what it had not read', async () => {
    const storage = await started()
    const messageIds = (await storage.log.append(Array.from({ length: 30 }, () => entry()))).map(
      (result) => result.messageId
    )
    await storage.queue('middle').create({ after: messageIds[9] ?? '' })
    await storage.queue('slow').create('start')
    await storage.queue('slow').read('one', { limit: 2, waitMs: 0 })
    const lags = async () => (await storage.log.info()).groups.map(({ name, lag }) => [name, lag])
    expect(await lags()).toEqual([
      ['middle', 20],
      ['slow', 28]
    ])
    await storage.log.trim({ maxLength: 10 }, { force: true })
    expect(await lags()).toEqual([
      ['middle', 10],
      ['slow', 10]
    ])
  })

  test('of two trims to the same length at the same moment, one finds it done', async () => {
    const storage = await started()
    await storage.log.append(Array.from({ length: 3_000 }, () => entry()))
    const results = await Promise.all([1, 2, 3].map(() => storage.log.trim({ maxLength: 1_000 })))
    expect((await storage.log.info()).length).toBe(1_000)
    expect(results.reduce((sum, { removed }) => sum + removed, 0)).toBe(2_000)
  })

  test('of several that make the same group, one is told that it did, and none fails', async () => {
    const logs = await Promise.all([1, 2, 3, 4].map(() => started()))
    for (let round = 0; round < 20; round += 1) {
      const made = await Promise.all(logs.map((storage) => storage.queue(`group-${round}`).create('start')))
      expect(made.filter(Boolean)).toHaveLength(1)
    }
  })

  test('a server that forgets its scripts is told them again', async () => {
    const storage = await started()
    await storage.log.append([entry()])
    await command('SCRIPT', 'FLUSH')
    const results = await Promise.all([storage.log.append([entry()]), storage.log.append([entry(), entry()])])
    expect(results.flat()).toHaveLength(3)
    expect((await storage.log.info()).length).toBe(4)
  })

  test('a batch far beyond what a Lua stack holds is appended whole and in order', async () => {
    const storage = await started()
    const entries = Array.from({ length: 12_345 }, (_, index) => entry(String(index)))
    await storage.log.append(entries.slice(5_000, 5_010))
    const results = await storage.log.append([...entries, ...entries.slice(0, 10)])
    expect(results.flatMap(({ duplicate }, index) => (duplicate ? [index] : []))).toEqual([
      ...Array.from({ length: 10 }, (_, index) => 5_000 + index),
      ...Array.from({ length: 10 }, (_, index) => 12_345 + index)
    ])
    expect((await storage.log.info()).length).toBe(12_345)
    expect((await storage.log.info()).deduplicationEntries).toBe(12_345)
  })

  test('an event id is a duplicate whether it came, and comes again, alone or in a batch', async () => {
    const storage = await started()
    const [alone, first, second] = [entry(), entry(), entry()]
    const [one] = await storage.log.append([alone])
    const [two, three] = await storage.log.append([first, second])
    const again = [...(await storage.log.append([second, alone])), ...(await storage.log.append([first]))]
    expect(again).toEqual([three, one, two].map((result) => ({ messageId: result?.messageId, duplicate: true })))
    expect((await storage.log.info()).length).toBe(3)
  })

  test('the window slides: an id is forgotten when it is over, wherever in its time it came', async () => {
    const deduplicationWindowMs = 200
    const storage = await started({ deduplicationWindowMs })
    const accepted = new Map<string, number[]>()
    const knownForTooLong: string[] = []
    const until = performance.now() + 1_500
    for (let round = 0; performance.now() < until; round += 1) {
      // A new id in each round, tried from then on alone and in batches, so that ids begin everywhere in a span.
      const eventIds = Array.from({ length: 8 }, (_, back) => slidingId(Math.max(0, round - back * 6)))
      const entries = eventIds.map((eventId) => ({ eventId, eventType: 'trading_signal', payload: eventId }))
      const sentAt = Date.now()
      const results =
        round % 2 === 0
          ? await storage.log.append(entries)
          : (await Promise.all(entries.map((one) => storage.log.append([one])))).flat()
      for (const [index, { messageId, duplicate }] of results.entries()) {
        const eventId = eventIds[index] ?? ''
        if (!duplicate) accepted.set(eventId, [...(accepted.get(eventId) ?? []), msOf(messageId)])
        else if (sentAt - msOf(messageId) >= deduplicationWindowMs) knownForTooLong.push(eventId)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const gaps = [...accepted.values()].flatMap((times) => times.slice(1).map((time, i) => time - (times[i] ?? 0)))
    expect(gaps.length).toBeGreaterThan(20)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(deduplicationWindowMs)
    expect(knownForTooLong).toEqual([])
  })

  test('an event id of any form is one field in a hash of Redis, with the message id and the version', async () => {
    const storage = await started()
    const eventIds = [newEventId(), randomUUID(), 'an id of another kind', '7']
    const entries = eventIds.map((eventId) => ({ eventId, eventType: 'trading_signal', payload: eventId }))
    const results = await storage.log.append(
      entries.map((one, i) => (i === 0 ? { ...one, streamKey: 'account-7' } : one))
    )
    const hash = (await redis.client.exists('tradpal_events:ids:0')) === 1 ? 0 : 1
    const { '': begun, ...fields } = await redis.client.hGetAll(`tradpal_events:ids:${hash}`)
    const places = results.map(({ messageId }, i) => (i === 0 ? `${messageId} 1` : messageId))
    expect(fields).toEqual(Object.fromEntries(eventIds.map((eventId, i) => [eventId, places[i]])))
    expect(Math.abs(Number(begun) - (await redisMs()))).toBeLessThan(10_000)
    expect((await storage.log.info()).deduplicationEntries).toBe(4)
  })

  test('the window holds when the clock of Redis is set back, and when it is set far forth and back again', async () => {
    const storage = await started()
    const entries = Array.from({ length: 4 }, () => entry())
    const known: AppendResult[] = []
    const repeat = async (count: number) => expect(await storage.log.append(entries.slice(0, count))).toEqual(known)
    const appendOne = async () => {
      const [result] = await storage.log.append([entries[known.length] as AppendEntry])
      expect(result?.duplicate).toBe(false)
      known.push({ messageId: result?.messageId as string, duplicate: true })
      await repeat(known.length)
    }
    // As if the hash had been begun by a clock that was ahead, and the one before it long ago.
    const setBegun = async (ofNewest: number) => {
      for (const n of [0, 1]) {
        const begun = await redis.client.hGet(`tradpal_events:ids:${n}`, '')
        if (begun !== null) await redis.client.hSet(`tradpal_events:ids:${n}`, '', String(Number(begun) + ofNewest))
      }
    }
    await appendOne()
    await setBegun(3_600_000)
    await appendOne()
    await setBegun(-3_600_000 - 120_001)
    await appendOne()
    await setBegun(3_600_000)
    await appendOne()
    expect((await storage.log.read({ limit: 10 })).entries.length).toBe(4)
  })

  const earlier = [
    ...[
      'recent:1',
      'dedup:0',
      'partitions',
      'versions',
      'dead_letters',
      'dead_letters:actions',
      'records:subject-keys'
    ],
    ...['notes', 'amended', 'place', 'ledger:0', 'ledger:1'].map((name) => `group:consumers:${name}`)
  ]

  test.each(earlier)(
    'what an earlier version keeps in %s is refused with log_incompatible, and harmed by nothing',
    async (name) => {
      await redis.client.xAdd('tradpal_events', '*', { event: 'an event' })
      await redis.client.xGroupCreate('tradpal_events', 'consumers', '0')
      await redis.client.set(`tradpal_events:${name}`, 'a text')
      const storage = new RedisStorage({ url: redis.server.url })
      onTestFinished(() => storage.close())
      await expect(storage.start()).rejects.toMatchObject({
        code: 'log_incompatible',
        message: expect.stringMatching(new RegExp(`tradpal_events:${name}: export the log.* import it`))
      })
      expect((await redis.client.keys('*')).sort()).toEqual(['tradpal_events', `tradpal_events:${name}`])
      await redis.client.del(`tradpal_events:${name}`)
      await storage.start()
      expect((await storage.log.read({ limit: 10 })).entries).toHaveLength(1)
    }
  )

  test('the token of a lease is greater than those before it also after a FLUSHALL', async () => {
    const storage = await started()
    const [before = 0] = await storage.leases.acquire(['a'], { holder: 'one', ttlMs: 60_000 })
    await redis.client.flushAll()
    const [after = 0] = await storage.leases.acquire(['a'], { holder: 'two', ttlMs: 60_000 })
    expect(after).toBeGreaterThan(before)
  })

  test('a lease that ended an hour ago is forgotten when another name is taken', async () => {
    const storage = await started()
    const anHourAgo = Date.now() - 3_600_000 - 1_000
    await redis.client.hSet('tradpal_events:leases', {
      old: `1 ${anHourAgo} one`,
      ended: `1 ${anHourAgo + 60_000} one`
    })
    await storage.leases.acquire(['new'], { holder: 'two', ttlMs: 60_000 })
    expect((await redis.client.hKeys('tradpal_events:leases')).sort()).toEqual(['ended', 'new'])
  })

  test('a stream that the prototype has written is a log, whatever stands beside it under other names', async () => {
    await redis.client.xAdd('tradpal_events', '*', { event: '{"by":"the prototype"}' })
    await redis.client.xGroupCreate('tradpal_events', 'tradpal_consumers', '0')
    await redis.client.set('tradpal_events_of_others', 'a text')
    const storage = await started()
    expect((await storage.log.read({ limit: 10 })).entries).toMatchObject([{ payload: '{"by":"the prototype"}' }])
    expect(await storage.queue('tradpal_consumers').read('one', NOW)).toMatchObject([
      { payload: '{"by":"the prototype"}' }
    ])
  })

  test('a number that no id of a stream has is no message id, and a time that is none is refused', async () => {
    const storage = await started()
    const largest = '18446744073709551615'
    expect(await storage.log.get([`${largest}-${largest}`])).toEqual([undefined])
    for (const id of [`18446744073709551616-0`, `0-18446744073709551616`]) {
      await expect(storage.log.get([id])).rejects.toMatchObject({ code: 'invalid_message_id' })
    }
    await expect(storage.log.read({ from: { time: Number.NaN }, limit: 1 })).rejects.toMatchObject({
      code: 'invalid_argument'
    })
    expect((await storage.log.read({ from: { time: Number.POSITIVE_INFINITY }, limit: 1 })).entries).toEqual([])
  })

  test('with a window of 0 nothing is a duplicate, and nothing is remembered', async () => {
    const storage = await started({ deduplicationWindowMs: 0 })
    const one = entry()
    expect((await storage.log.append([one, one])).map(({ duplicate }) => duplicate)).toEqual([false, false])
    expect(await redis.client.keys('*')).toEqual(['tradpal_events'])
  })

  test('what the window remembers expires without anybody appending', async () => {
    const storage = await started({ deduplicationWindowMs: 100 })
    await storage.log.append([entry()])
    await expect.poll(() => redis.client.keys('*')).toEqual(['tradpal_events'])
  })
})

/** Every other one is a UUID, and those are alike. */
function slidingId(number: number): string {
  return number % 2 === 0 ? `sliding-${number}` : `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** When Redis took the entry of an id. */
function msOf(messageId: string): number {
  return Number.parseInt(messageId, 10)
}
