import { describe, expect, test } from 'vitest'
import type { AppendEntry, Storage } from '../../src/log/port.ts'
import { waitFor } from '../../src/testing/index.ts'
import { redisInTest } from './redis-in-test.ts'

const STREAM = 'tradpal_events'
const INDEX = `${STREAM}:stream:account-7`
const INDEXES = `${STREAM}:streams`
const VERSIONS = `${STREAM}:stream_versions`

let ids = 0
function entries(count: number, streamKey?: string): AppendEntry[] {
  return Array.from({ length: count }, () => {
    const of = { eventId: `event-${++ids}`, eventType: 'order_executed', payload: `event ${ids}` }
    return streamKey === undefined ? of : { ...of, streamKey }
  })
}

async function versionsRead(storage: Storage, streamKey = 'account-7', fromVersion = 1): Promise<number[]> {
  return (await storage.log.readStream(streamKey, { fromVersion, limit: 10_000 })).map(({ version }) => version)
}

describe('the index of a stream key in Redis', () => {
  const redis = redisInTest()
  const length = (key = INDEX) => redis.client.lLen(key)
  const indexed = () => redis.client.zRangeWithScores(INDEXES, 0, -1)
  const timeOf = (messageId = '') => Number(messageId.split('-')[0])

  /** Appends an entry without a key, in a later millisecond than all before it. */
  async function appendLater(storage: Storage): Promise<void> {
    const before = timeOf((await storage.log.bounds()).last ?? '')
    await waitFor(async () => timeOf((await storage.log.append(entries(1)))[0]?.messageId) > before)
  }

  test('is a list of versions and message ids, and its key stands by the time of the oldest in the set', async () => {
    const storage = await redis.started()
    const results = await storage.log.append([...entries(2, 'account-7'), ...entries(1), ...entries(1, 'order-17')])
    const [later] = await storage.log.append(entries(1, 'account-7'))
    expect(await redis.client.lRange(INDEX, 0, -1)).toEqual(
      [results[0], results[1], later].map((result) => `${result?.version} ${result?.messageId}`)
    )
    expect(await indexed()).toEqual([
      { value: 'account-7', score: timeOf(results[0]?.messageId) },
      { value: 'order-17', score: timeOf(results[3]?.messageId) }
    ])
  })

  test('of a key that nobody writes any more is gone when a trim has passed its events, in steps', async () => {
    const storage = await redis.started()
    for (let batch = 0; batch < 3; batch++) await storage.log.append(entries(900, 'account-7'))
    for (let batch = 0; batch < 3; batch++) {
      await storage.log.append(Array.from({ length: 120 }, (_, i) => entries(1, `order-${batch * 120 + i}`)).flat())
    }
    expect(await redis.client.zCard(INDEXES)).toBe(361)
    await appendLater(storage)
    await storage.log.trim({ maxLength: 1 })
    expect(await redis.client.keys(`${STREAM}:stream:*`)).toEqual([])
    expect(await redis.client.exists(INDEXES)).toBe(0)
    expect(await storage.log.versionOf('account-7')).toBe(2_700)
    expect(await storage.log.versionOf('order-359')).toBe(1)
  })

  test('keeps of a key that nobody writes any more what the log has of it', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(100, 'account-7'))
    await appendLater(storage)
    const rest = await storage.log.append(entries(50, 'account-7'))
    await storage.log.trim({ before: timeOf(rest[0]?.messageId) })
    expect(await length()).toBe(50)
    expect(await indexed()).toEqual([{ value: 'account-7', score: timeOf(rest[0]?.messageId) }])
    expect(await versionsRead(storage)).toEqual(rest.map(({ version }) => version))
  })

  test('is gone with the next trim where the one before died between its two halves', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(10, 'account-7'))
    await redis.client.xTrim(STREAM, 'MAXLEN', 0)
    expect(await storage.log.trim({ maxLength: 0 })).toMatchObject({ removed: 0 })
    expect(await redis.client.exists([INDEX, INDEXES])).toBe(0)
  })

  test('stays as it is in a dry run', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(10, 'account-7'))
    await redis.client.xTrim(STREAM, 'MAXLEN', 0)
    await storage.log.trim({ maxLength: 0 }, { dryRun: true })
    expect(await length()).toBe(10)
  })

  test.each([1, 10, 400])('is cut by appends of %i to its key, of twice as many entries as they add', async (size) => {
    const storage = await redis.started()
    await storage.log.append(entries(1_000, 'account-7'))
    await redis.client.xTrim(STREAM, 'MAXLEN', 0)
    let appended = 0
    for (; appended < 600; appended += size) {
      await storage.log.append(entries(size, 'account-7'))
      const outdated = (await length()) - appended - size
      expect(outdated).toBeLessThanOrEqual(Math.max(0, 1_000 + 64 - 2 * (appended + size)))
    }
    expect(await length()).toBe(appended)
    expect(await versionsRead(storage)).toEqual(Array.from({ length: appended }, (_, i) => 1_001 + i))
  })

  test('is cut by a reader that finds no event, in steps, and is gone when there is none', async () => {
    const storage = await redis.started()
    for (let batch = 0; batch < 3; batch++) await storage.log.append(entries(800, 'account-7'))
    await storage.log.append(entries(1, 'account-7'))
    await redis.client.xTrim(STREAM, 'MAXLEN', 1)
    expect(await versionsRead(storage)).toEqual([2_401])
    expect(await storage.log.readStream('account-7', { fromVersion: 1, limit: 1 })).toMatchObject([{ version: 2_401 }])
    expect(await length()).toBe(1)
    await redis.client.xTrim(STREAM, 'MAXLEN', 0)
    expect(await storage.log.readStream('account-7', { fromVersion: 1, limit: 1 })).toEqual([])
    expect(await redis.client.exists([INDEX, INDEXES])).toBe(0)
  })

  test('is read by a user who may write nothing, also where it is to be cut', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(10, 'account-7'))
    await redis.client.xTrim(STREAM, 'MAXLEN', 3)
    await redis.client.sendCommand(['ACL', 'SETUSER', 'reader', 'reset', 'on', '>pw', '~*', '+@read', '+@connection'])
    const reader = await redis.started({ url: redis.server.url.replace('://', '://reader:pw@') })
    expect(await versionsRead(reader)).toEqual([8, 9, 10])
    expect(await reader.log.readStream('account-7', { fromVersion: 1, limit: 2 })).toMatchObject([
      { version: 8 },
      { version: 9 }
    ])
    expect(await length()).toBe(10)
  })

  test('holds what the log has of each key, whatever is removed from its middle, and no more when that is trimmed', async () => {
    const storage = await redis.started()
    const results = await storage.log.append([...entries(20, 'account-7'), ...entries(20, 'order-17')])
    await storage.log.remove(results.slice(5, 25).map(({ messageId }) => messageId))
    expect(await versionsRead(storage)).toEqual([1, 2, 3, 4, 5])
    expect(await versionsRead(storage, 'order-17')).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
    await appendLater(storage)
    await storage.log.trim({ maxLength: 1 })
    expect(await redis.client.exists([INDEX, `${STREAM}:stream:order-17`, INDEXES])).toBe(0)
  })

  test('is read to its end while trims cut it: nothing is missing that the log still has', async () => {
    const storage = await redis.started()
    const other = await redis.started()
    const versionOf = new Map<string, number>()
    for (let batch = 0; batch < 2; batch++) {
      for (const { messageId, version } of await storage.log.append(entries(1_000, 'account-7'))) {
        versionOf.set(messageId, version ?? 0)
      }
    }
    let isDone = false
    const trimming = (async () => {
      for (let left = 1_990; left >= 0; left -= 10) await other.log.trim({ maxLength: left })
      isDone = true
    })()
    let reads = 0
    for (; !isDone; reads++) {
      const fromVersion = 1 + Math.floor(Math.random() * 2_000)
      const versions = await versionsRead(storage, 'account-7', fromVersion)
      const [oldest] = (await storage.log.read({ limit: 1 })).entries
      const first = Math.max(fromVersion, versionOf.get(oldest?.messageId ?? '') ?? 2_001)
      expect(versions.filter((version) => version >= first)).toEqual(
        Array.from({ length: Math.max(0, 2_001 - first) }, (_, i) => first + i)
      )
    }
    await trimming
    expect(reads).toBeGreaterThan(5)
    expect(await redis.client.exists([INDEX, INDEXES])).toBe(0)
  })

  test('begins anew where the count of its key was taken out or lost', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(5, 'account-7'))
    await redis.client.hDel(VERSIONS, 'account-7')
    const [first, second] = await storage.log.append(entries(2, 'account-7'))
    expect([first?.version, second?.version]).toEqual([1, 2])
    const stream = await storage.log.readStream('account-7', { fromVersion: 1, limit: 10 })
    expect(stream.map(({ messageId }) => messageId)).toEqual([first?.messageId, second?.messageId])
    expect(await indexed()).toEqual([{ value: 'account-7', score: timeOf(first?.messageId) }])
  })

  test('begins anew where it does not end with the version of its key', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(5, 'account-7'))
    await redis.client.hSet(VERSIONS, 'account-7', '9')
    await storage.log.append(entries(2, 'account-7'))
    expect(await versionsRead(storage)).toEqual([10, 11])
  })

  test('where a key of it is another type, the append is refused with log_incompatible, and nothing is written', async () => {
    const storage = await redis.started()
    for (const key of [INDEX, INDEXES, VERSIONS]) {
      await redis.client.set(key, 'a text')
      const batch = [...entries(1), ...entries(1, 'order-17'), ...entries(1, 'account-7')]
      await expect(storage.log.append(batch), key).rejects.toMatchObject({ code: 'log_incompatible' })
      expect(await redis.client.keys('*'), key).toEqual([key])
      await redis.client.del(key)
    }
  })

  test('when the memory is full, an append is refused with log_full, and nothing is written', async () => {
    const storage = await redis.started()
    await storage.log.append(entries(5, 'account-7'))
    await redis.client.hDel(VERSIONS, 'account-7')
    const before = await dump()
    await redis.client.configSet('maxmemory', '1')
    try {
      for (const batch of [entries(100, 'account-7'), [...entries(50), ...entries(50, 'order-17')]]) {
        await expect(storage.log.append(batch)).rejects.toMatchObject({ code: 'log_full' })
      }
      expect(await dump()).toEqual(before)
    } finally {
      await redis.client.configSet('maxmemory', '0')
    }
    await storage.log.append(entries(100, 'account-7'))
    expect(await versionsRead(storage)).toHaveLength(100)
  })

  /** Each key, with what it holds. */
  async function dump(): Promise<[string, unknown][]> {
    const keys = (await redis.client.keys('*')).sort()
    return Promise.all(
      keys.map(async (key): Promise<[string, unknown]> => {
        return [key, await redis.client.sendCommand(['DUMP', key])]
      })
    )
  }
})
