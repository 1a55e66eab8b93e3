import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'

describe('a log in Redis with a stream for each event type', () => {
  let server: RedisServer
  let count = 0
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const newName = () => `by_type_${++count}`
  const of = (eventType: string, eventId: string) => ({ eventType, eventId, payload: eventId })

  async function open(streamName: string, partitioning: RedisStorageOptions['partitioning'] = 'type') {
    const storage = new RedisStorage({ url: server.url, streamName, partitioning })
    onTestFinished(() => storage.close())
    await storage.start()
    return storage
  }

  async function client() {
    const redis = redisClient(server.url)
    await redis.connect()
    onTestFinished(() => redis.close())
    return redis
  }

  test('takes over a log in one stream: what is there is read, positions and groups go on', async () => {
    const name = newName()
    const plain = await open(name, 'none')
    const [first, second] = await plain.log.append([of('a', '1'), of('b', '2')])
    await plain.queue('g').create('start')
    await plain.queue('g').read('one', { limit: 1, waitMs: 0 })
    const typed = await open(name)
    const [third] = await typed.log.append([of('a', '3')])

    const behind = await typed.log.read({ from: { after: first?.messageId ?? '' }, limit: 10 })
    expect(behind.entries.map(({ messageId }) => messageId)).toEqual([second?.messageId, third?.messageId])
    const rest = await typed.queue('g').read('one', { limit: 10, waitMs: 0 })
    expect(rest.map(({ payload }) => payload)).toEqual(['2', '3'])
    expect((await typed.log.append([of('b', '2')]))[0]).toMatchObject({ messageId: second?.messageId, duplicate: true })
  })

  test('is refused without the option, and with groups in the order of a key', async () => {
    const name = newName()
    await (await open(name)).log.append([of('a', '1')])
    await expect(open(name, 'none')).rejects.toThrow(/EVENT_PARTITIONING=type/)

    const other = newName()
    await (await open(other, 'none')).partitioned?.('keyed').create('start')
    await expect(open(other)).rejects.toThrow(/consumer groups in the order of a key, keyed/)
  })

  test('gives a group that others make on the plain stream every type from its first entry on', async () => {
    const name = newName()
    const storage = await open(name)
    await storage.log.append([of('a', '1'), of('b', '2')])
    const redis = await client()
    await redis.xGroupCreate(name, 'foreign', '0', { MKSTREAM: true })
    expect((await storage.log.trim({ maxLength: 0 })).guarded).toBe(true)
    const deliveries = await storage.queue('foreign').read('one', { limit: 10, waitMs: 0 })
    expect(deliveries.map(({ payload }) => payload)).toEqual(['1', '2'])
    expect(await storage.queue('foreign').acknowledge('one', deliveries)).toEqual([])
    expect(await storage.log.trim({ maxLength: 0 })).toMatchObject({ removed: 2, guarded: false })
  })

  test('learns that Redis lost its newest types: numbers are given once more, and a position from before misses nothing', async () => {
    const name = newName()
    const [storage, other] = [await open(name), await open(name)]
    await storage.log.append([of('a', '1'), of('lost', '2')])
    await other.log.read({ limit: 1 })
    const { position } = await storage.log.read({ limit: 10 })
    const redis = await client()
    await redis.del([`${name}:type:lost`, `${name}:ids:0`, `${name}:ids:1`])
    await redis.xDel(`${name}:types`, '2-0')
    await redis.sendCommand(['XSETID', `${name}:types`, '1-0'])

    const appended = await other.log.append([of('new', '3'), of('lost', '2'), of('a', '4')])
    expect(appended.map(({ messageId }) => messageId.split('.')[1])).toEqual(['2', '3', '1'])
    for (const each of [storage, other]) {
      const { entries } = await each.log.read({ from: { after: position }, limit: 10 })
      expect(entries.map(({ payload }) => payload)).toEqual(['3', '2', '4'])
    }
  })

  test('appends nothing of a batch, and no type, when a key of one type holds something else', async () => {
    const name = newName()
    const storage = await open(name)
    await storage.log.append([of('a', '1')])
    const redis = await client()
    await redis.set(`${name}:type:wrong`, 'no stream')
    const before = await redis.keys(`${name}*`)
    await expect(storage.log.append([of('new', '2'), of('wrong', '3'), of('a', '4')])).rejects.toMatchObject({
      code: 'log_incompatible'
    })
    const unit = { append: { entries: [of('new', '2'), of('wrong', '3')] } }
    await expect(storage.commit([unit])).rejects.toMatchObject({ code: 'log_incompatible' })
    expect((await redis.keys(`${name}*`)).sort()).toEqual(before.sort())
    expect((await storage.log.info()).length).toBe(1)
  })

  test('appends nothing of a unit over new types when the memory of Redis is full', async () => {
    const full = await startRedis({ maxmemory: '4mb', 'maxmemory-policy': 'noeviction' })
    onTestFinished(() => full.stop())
    const storage = new RedisStorage({ url: full.url, streamName: 'full', partitioning: 'type' })
    onTestFinished(() => storage.close())
    await storage.start()
    await storage.log.append([of('a', 'first')])
    for (let i = 0; ; i += 1) {
      const entries = ['a', `type ${i}`, `other ${i}`].map((type) => ({
        ...of(type, `${type} ${i}`),
        payload: 'x'.repeat(20_000)
      }))
      const before = (await storage.log.info()).length
      const failure = await storage.commit([{ append: { entries } }]).then(
        () => undefined,
        (error) => error
      )
      const after = (await storage.log.info()).length
      expect(after - before).toBe(failure === undefined ? 3 : 0)
      if (failure === undefined) continue
      expect(failure).toMatchObject({ code: 'log_full' })
      return
    }
  })
})
