import { expect, test } from 'vitest'
import { labelledEntry, readPages } from '../../src/log/conformance/labelled.ts'
import type { EntryLabel, Storage } from '../../src/log/port.ts'
import { RATES } from '../../src/log/rates.ts'
import { type IndexOptions, RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { labelsOf } from './labelled-payloads.ts'
import { redisInTest } from './redis-in-test.ts'
import { filtered, indexed } from './redis-index-support.ts'

const redis = redisInTest()
const INDEX: IndexOptions = { labelsOf }
const DAY_MS = 86_400_000

/** A log with an index that is kept, unless it is said otherwise. */
const started = (index = INDEX, options: RedisStorageOptions = {}) => redis.started({ index, ...options })

async function append({ log }: Storage, ...labels: readonly EntryLabel[]): Promise<void> {
  await log.append(labels.map(labelledEntry))
}

const prices = (count: number, key = 'A'): EntryLabel[] =>
  Array.from({ length: count }, () => ({ eventType: 'price', key }))

/** Reads by the index are as a filter over a full read says. */
async function isRight(storage: Storage): Promise<void> {
  const all = await readPages(storage, { limit: 1_000 })
  for (const time of ['log', 'event'] as const) {
    for (const filter of [{ keys: ['A'] }, { keys: ['B'] }, { eventTypes: ['price'] }]) {
      const range = { ...filter, time, limit: 100 }
      expect(await readPages(storage, range)).toEqual(filtered(all, range))
    }
  }
}

const leaseholder = async ({ leases }: Storage) => (await leases.list('index'))[0]?.holder
const positionOf = async ({ cursors }: Storage) => (await cursors.positions(['index']))[0]
const counted = async ({ log }: Storage) =>
  (await log.rates?.({ per: 'hour', from: 0, to: Date.now() }))?.map(({ counts }) => counts)

test('of several processes one keeps the index, and another takes over when that closes, or dies', async () => {
  const [first, second, third] = [await started(), await started(), await started()]
  const storages = [first, second, third]
  await append(first, ...prices(5))
  await Promise.all(storages.map(indexed))
  const holder = await leaseholder(third)
  await first.close()
  await append(third, ...prices(5, 'B'))
  await indexed(third)
  expect(await leaseholder(third)).not.toBe(holder)
  await isRight(third)
  // Of one that dies the lease ends by itself.
  await second.close({ timeoutMs: 0 })
  await append(third, ...prices(2))
  await indexed(third)
  await isRight(third)
  expect(await counted(third)).toEqual([{ price: 12 }])
})

test('each entry is counted once, also where two processes fight for the lease', async () => {
  const [one, two] = [await started(), await started()]
  let isGoing = true
  const fight = (async () => {
    while (isGoing) await redis.client.hDel('tradpal_events:leases', 'index')
  })()
  for (let i = 0; i < 20; i++) await append(one, ...prices(10))
  isGoing = false
  await fight
  await indexed(two)
  await isRight(two)
  expect(await counted(two)).toEqual([{ price: 200 }])
})

test('an index that somebody took away is built again, and what was counted is counted as before', async () => {
  const storage = await started({ labelsOf, segmentSize: 4 })
  for (let i = 0; i < 8; i++) {
    await append(storage, ...prices(5, i % 2 === 0 ? 'A' : 'B'))
    await indexed(storage)
  }
  await redis.client.hDel('tradpal_events:cursors', 'index')
  await isRight(storage)
  await waitFor(() => positionOf(storage), { what: 'the cursor being there again' })
  await indexed(storage)
  await isRight(storage)
  expect(await counted(storage)).toEqual([{ price: 40 }])
  await redis.client.del(await redis.client.keys('*index*'))
  await append(storage, ...prices(3))
  await waitFor(() => redis.client.exists('tradpal_events:documents:index-tail'), {
    what: 'the index being there again'
  })
  await indexed(storage)
  await isRight(storage)
  expect(await counted(storage)).toEqual([{ price: 43 }])
})

test('a log that lost all, or has fallen behind its index, gets a new one', async () => {
  const storage = await started({ labelsOf, segmentSize: 4 })
  await append(storage, ...prices(10))
  await indexed(storage)
  await redis.client.flushAll()
  await append(storage, ...prices(3, 'B'))
  await indexed(storage)
  await isRight(storage)
  await redis.client.del('tradpal_events')
  await redis.client.xAdd('tradpal_events', '5-1', { event: labelledEntry({ eventType: 'price', key: 'A' }).payload })
  await isRight(storage)
  await indexed(storage)
  await isRight(storage)
})

test('a trim takes from the index what is gone, late entries too, and nothing else', async () => {
  const storage = await started({ labelsOf, segmentSize: 10 })
  for (let i = 0; i < 11; i++) {
    await append(storage, ...prices(9), { eventType: 'note', key: 'B', eventTime: 7 })
    await indexed(storage)
  }
  const segments = async () => (await redis.client.keys('*:index:segment:*')).length
  const late = async () => (await redis.client.zCard('tradpal_events:index:late:0')) as number
  const [segmentsBefore, lateBefore] = [await segments(), await late()]
  expect([segmentsBefore, lateBefore]).toEqual([10, 10])
  await storage.log.trim({ maxLength: 50 })
  expect(await segments()).toBeLessThan(7)
  expect(await late()).toBeLessThan(7)
  await isRight(storage)
  await storage.log.trim({ maxLength: 0 })
  expect(await segments()).toBe(1)
  await append(storage, ...prices(30))
  await indexed(storage)
  await isRight(storage)
})

test('minutes are counted for 30 days, and hours for ever; a few old minutes go with each new one', async () => {
  const now = Date.now()
  const payload = labelledEntry({ eventType: 'price' }).payload
  for (const [i, days] of [40, 31, 29, 0].entries()) {
    await redis.client.xAdd('tradpal_events', `${now - days * DAY_MS}-${i}`, { event: payload })
  }
  const storage = await started()
  await indexed(storage)
  const ids = async (prefix: string) =>
    (await storage.collections.list(RATES, { prefix, limit: 10 })).map(({ id }) => id)
  expect([await ids('hour:'), await ids('minute:')]).toMatchObject([{ length: 4 }, { length: 2 }])
  await storage.commit([
    {
      write: ['2020-01-01T00:00Z', '2020-01-01T00:01Z'].map((at) => ({
        collection: RATES,
        id: `minute:${at}`,
        value: '{}'
      }))
    }
  ])
  await redis.client.xAdd('tradpal_events', `${now + 61_000}-0`, { event: payload })
  await indexed(storage)
  expect((await ids('minute:')).filter((id) => id.includes('2020'))).toEqual([])
  expect(await ids('minute:')).toHaveLength(3)
})

test('without the option an index is not used, and with it again it goes on where it was', async () => {
  const storage = await started()
  await append(storage, ...prices(5))
  await indexed(storage)
  const position = await positionOf(storage)
  await storage.close()
  const without = await redis.started()
  expect([without.features.index, without.log.rates]).toEqual([false, undefined])
  await expect(without.log.read({ time: 'event', limit: 1 })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('EVENT_INDEX=on')
  })
  await append(without, ...prices(5))
  expect(await positionOf(without)).toBe(position)
  const again = await started()
  await indexed(again)
  await isRight(again)
  expect(await counted(again)).toEqual([{ price: 10 }])
})

test('where labels cannot be known now, the process says so once and leaves the index to another', async () => {
  const told: string[] = []
  const storage = await started({
    labelsOf: () => Promise.reject(new Error('no key')),
    onProblem: ({ message }) => told.push(message)
  })
  await append(storage, ...prices(5))
  await waitFor(() => told.length > 0, { what: 'the problem being told' })
  const other = await started()
  await indexed(other)
  await isRight(other)
  await append(other, ...prices(5))
  await indexed(other)
  expect(told).toEqual(['Error: no key'])
})

test('what is behind the index is found by looking at each, while nobody keeps it', async () => {
  const storage = await started()
  await append(storage, ...prices(5), { eventType: 'price', key: 'B', eventTime: 1 })
  await indexed(storage)
  await redis.client.hSet('tradpal_events:leases', 'index', `1 ${Date.now() + DAY_MS} somebody else`)
  await append(
    storage,
    ...prices(5),
    { eventType: 'price', key: 'B', eventTime: 1 },
    { eventType: 'price', key: 'B', eventTime: 9 }
  )
  await isRight(storage)
  expect(await counted(storage)).toEqual([{ price: 13 }])
})

test('an index is for a log in one stream, and needs what gives labels', () => {
  const refused = (options: RedisStorageOptions) => () => new RedisStorage(options)
  expect(refused({ index: INDEX, partitioning: 'type' })).toThrow(/EVENT_INDEX=off.*EVENT_PARTITIONING=none/)
  expect(refused({ index: {} as IndexOptions })).toThrow(/index\.labelsOf must be a function/)
  expect(refused({ index: { ...INDEX, segmentSize: 0 } })).toThrow(/index\.segmentSize must be a whole number/)
})
