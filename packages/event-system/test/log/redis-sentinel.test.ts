import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { type RedisSentinels, startRedisSentinels } from '../../../../test/support/start-redis-sentinel.ts'
import type { Delivery } from '../../src/log/port.ts'
import type { RedisStorageOptions } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { redisHarness } from './redis-harness.ts'
import {
  consumerOf,
  entry,
  failure,
  newLog as newRedisLog,
  readAll,
  started as startedLog,
  unique,
  untilAppended,
  untilFalse
} from './redis-logs.ts'
import { testSmoke } from './redis-smoke.ts'

const newLog = (options: RedisStorageOptions) => newRedisLog({ timeoutMs: 2_000, ...options })
const started = (options: RedisStorageOptions) => startedLog({ timeoutMs: 2_000, ...options })

async function sentinelsOfATest(options = {}): Promise<RedisSentinels> {
  const sentinels = await startRedisSentinels(options)
  onTestFinished(() => sentinels.stop())
  return sentinels
}

/** One that only says where the master is, right or wrong. Resolves to its port. */
async function namingSentinel(masterPort: () => number): Promise<number> {
  const sockets = new Set<Socket>()
  const answer = () => `*2\r\n$9\r\n127.0.0.1\r\n$${String(masterPort()).length}\r\n${masterPort()}\r\n`
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // Who asked may be gone before the answer.
    socket.on('data', (chunk) => {
      for (const [, name = ''] of String(chunk).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        socket.write(name === 'SENTINEL' ? answer() : '+OK\r\n')
      }
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Until the sentinels name another master than this one, and it is one. */
async function promotedAfter(sentinels: RedisSentinels, old: RedisServer): Promise<RedisServer> {
  return waitFor(
    async () => {
      const master = await sentinels.master()
      const [role] = await sentinels.ask<[string]>(master, 'ROLE')
      return master !== old && role === 'master' ? master : undefined
    },
    { timeoutMs: 20_000, what: 'a replica being promoted' }
  )
}

describe('a log that sentinels watch', () => {
  let sentinels: RedisSentinels
  beforeAll(async () => {
    sentinels = await startRedisSentinels()
  })
  afterAll(() => sentinels.stop())

  testSmoke(() => redisHarness({ url: sentinels.url, foreignUrl: sentinels.servers[0].url }))

  test('is at the master, in the database of the URL', async () => {
    const storage = await started({ url: `${sentinels.url}/2`, streamName: 'in_a_database' })
    await storage.log.append([entry()])
    expect(storage.location).toBe(`${sentinels.url}/2 in_a_database`)
    const { ask, servers } = sentinels
    expect(await ask<string>(servers[0], 'INFO', 'keyspace')).toMatch(/^db2:/m)
  })

  test('is found by one sentinel that is there, though others are gone, or hang', async () => {
    const [hangs, answers] = sentinels.sentinels
    const url = `redis+sentinel://127.0.0.1:${await freePort()},127.0.0.1:${hangs?.port},127.0.0.1:${answers?.port}/master`
    hangs?.pause()
    onTestFinished(() => void hangs?.resume())
    const storage = await started({ url, streamName: 'found', connectTimeoutMs: 2_000 })
    await storage.log.append([entry()])
  })

  test('is not believed to be where a sentinel names a replica, and the next one is asked', async () => {
    const [, replica] = sentinels.servers
    const stale = await namingSentinel(() => replica?.port ?? 0)
    const alone = `redis+sentinel://127.0.0.1:${stale}/master`
    const error = await failure(newLog({ url: alone, connectTimeoutMs: 300 }).start())
    expect(error).toMatchObject({ code: 'log_unavailable', retryable: true })
    const storage = await started({
      url: alone.replace('/master', `,127.0.0.1:${sentinels.sentinels[0]?.port}/master`)
    })
    await storage.log.append([entry()])
  })

  test.each([
    ['a name that they do not know', () => sentinels.url.replace(/master$/, 'nobody'), /know no master named nobody/],
    [
      'a server that is no sentinel',
      () => `redis+sentinel://127.0.0.1:${sentinels.servers[0].port}/master`,
      /is no sentinel/
    ]
  ])('is refused with %s', async (_, url, sentence) => {
    const error = await failure(newLog({ url: url() }).start())
    expect(error).toMatchObject({ code: 'log_incompatible', message: expect.stringMatching(sentence) })
  })

  test('is unavailable while no sentinel answers', async () => {
    const url = `redis+sentinel://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}/master`
    const error = await failure(newLog({ url, connectTimeoutMs: 200 }).start())
    expect(error).toMatchObject({ code: 'log_unavailable', retryable: true })
  })
})

describe('a log whose master is killed while it is published to and consumed', () => {
  test('loses nothing that was acknowledged with a replica, and goes on by itself', async () => {
    const sentinels = await sentinelsOfATest({ replicas: 2 })
    const [master] = sentinels.servers
    const publishing = await started({ url: sentinels.url, durability: 'replicas:1' })
    const consuming = await started({ url: sentinels.url })
    const group = consuming.queue('group')
    await group.create('start')
    const consumer = consumerOf(group)
    let publishes = true
    const confirmed: string[] = []
    const unexpected: unknown[] = []
    const publisher = untilFalse(
      () => publishes,
      async () => {
        const next = entry(`published ${unique()}`)
        await publishing.log.append([next]).catch((error) => {
          if (!error.retryable) unexpected.push(error)
          throw error
        })
        confirmed.push(next.payload)
      }
    )
    await waitFor(() => confirmed.length > 100, { what: 'events being published' })
    await master.kill()
    await promotedAfter(sentinels, master)
    const sinceThen = confirmed.length
    await waitFor(() => confirmed.length > sinceThen + 100, { what: 'publishing going on' })
    publishes = false
    await publisher
    expect(unexpected).toEqual([])
    const stored = new Set((await readAll(consuming)).map(({ payload }) => payload))
    expect(confirmed.filter((payload) => !stored.has(payload))).toEqual([])
    await consumer.done()
    expect(
      confirmed.filter((payload) => !consumer.acknowledged.includes(payload)).length,
      'acknowledged before the failover took it back'
    ).toBe(0)
  })
})

describe('a failover', () => {
  test('is followed by readers that wait, and calls reject at once meanwhile', async () => {
    const sentinels = await sentinelsOfATest()
    const [master] = sentinels.servers
    const storage = await started({ url: sentinels.url })
    const group = storage.queue('group')
    await group.create('start')
    const [first] = await storage.log.append([entry('before')])
    expect(await sentinels.ask<number>(master, 'WAIT', '1', '1000')).toBeDefined()
    await group.read('one', { limit: 10, waitMs: 0 })
    const tail = storage.log.tail({ after: first?.messageId ?? '' })[Symbol.asyncIterator]()
    const tailed = tail.next().catch(() => tail.next())
    const waiting = untilRead(() => group.read('two', { limit: 10, waitMs: 20_000 }))

    await master.kill()
    await waitFor(async () => (await failure(storage.log.append([entry()]))).code === 'log_unavailable', {
      timeoutMs: 20_000,
      what: 'the loss being noticed'
    })
    const before = performance.now()
    expect(await failure(storage.log.append([entry()]))).toMatchObject({ code: 'log_unavailable', retryable: true })
    expect(performance.now() - before, 'not after the 5 s of a call').toBeLessThan(4_500)

    await promotedAfter(sentinels, master)
    const promotedAt = performance.now()
    await untilAppended(storage, [entry('after')])
    expect(performance.now() - promotedAt).toBeLessThan(15_000)
    expect((await waiting).map(({ payload }) => payload)).toEqual(['after'])
    void tailed.catch(() => {})
    await tail.return?.()

    await master.restart()
    await waitFor(async () => (await sentinels.ask<[string]>(master, 'ROLE'))[0] === 'slave', {
      timeoutMs: 20_000,
      what: 'the old master becoming a replica'
    })
    await storage.log.append([entry('last')])
    expect((await readAll(storage)).map(({ payload }) => payload)).toEqual(['before', 'after', 'last'])
  })

  test('on demand demotes the master under the log, which leaves it for the new one', async () => {
    const sentinels = await sentinelsOfATest()
    const [master] = sentinels.servers
    const storage = await started({ url: sentinels.url })
    await storage.log.append([entry('before')])
    const [sentinel] = sentinels.sentinels
    await sentinels.ask(sentinel as RedisServer, 'SENTINEL', 'FAILOVER', 'master')
    await promotedAfter(sentinels, master)
    await untilAppended(storage, [entry('after')])
    expect((await readAll(storage)).map(({ payload }) => payload)).toEqual(['before', 'after'])
  })

  test('that cuts no connection is noticed by the answer READONLY', async () => {
    const [old, next] = [await startRedis(), await startRedis()]
    onTestFinished(async () => {
      await Promise.all([old.stop(), next.stop()])
    })
    let named = old
    const port = await namingSentinel(() => named.port)
    const storage = await started({ url: `redis+sentinel://127.0.0.1:${port}/master` })
    await storage.log.append([entry('before')])
    const client = await redisClient(old.url).connect()
    onTestFinished(() => client.destroy())
    await client.sendCommand(['REPLICAOF', '127.0.0.1', String(next.port)])
    const error = await failure(storage.log.append([entry()]))
    expect(error).toMatchObject({ code: 'log_unavailable', retryable: true })
    expect(error.message).toMatch(/is a replica now.*Nothing was written/)
    named = next
    await untilAppended(storage, [entry('after')])
    expect((await readAll(storage)).map(({ payload }) => payload)).toEqual(['after'])
  })
})

/** A read that waits is told of the loss, and asked again. */
async function untilRead(read: () => Promise<Delivery[]>): Promise<Delivery[]> {
  return waitFor(
    async () => {
      const deliveries = await read()
      return deliveries.length > 0 ? deliveries : undefined
    },
    { timeoutMs: 30_000, what: 'something being read' }
  )
}

describe('sentinels with credentials', () => {
  const SERVERS = { requirepass: 'secret-of-servers', masterauth: 'secret-of-servers' }
  const auth = 'sentinel auth-pass master secret-of-servers'

  test('of their own are given them by option', async () => {
    const sentinels = await sentinelsOfATest({ config: SERVERS, lines: [auth], credentials: ':secret-of-servers@' })
    for (const sentinel of sentinels.sentinels) {
      await sentinels.ask(sentinel, 'ACL', 'SETUSER', 'watcher', 'on', '>secret-of-sentinels', '+@all', '~*', '&*')
      await sentinels.ask(sentinel, 'ACL', 'SETUSER', 'default', 'off')
    }
    const url = sentinels.url.replace('://', '://:secret-of-servers@')
    const wrong = await failure(newLog({ url }).start())
    expect(wrong).toMatchObject({ code: 'log_refused' })
    expect(inspect(wrong, { depth: 9 })).not.toContain('secret-of')
    const storage = await started({ url, sentinel: { username: 'watcher', password: 'secret-of-sentinels' } })
    await storage.log.append([entry()])
    expect(storage.location).toBe(`${sentinels.url} tradpal_events`)
  })

  test('of the master, or none, need no option', async () => {
    const none = await sentinelsOfATest({ config: SERVERS, lines: [auth], credentials: ':secret-of-servers@' })
    const storage = await started({ url: none.url.replace('://', '://:secret-of-servers@') })
    await storage.log.append([entry()])
    for (const sentinel of none.sentinels) {
      await none.ask(sentinel, 'ACL', 'SETUSER', 'default', 'resetpass', '>secret-of-servers')
    }
    const other = await started({ url: none.url.replace('://', '://:secret-of-servers@') })
    await other.log.append([entry()])
  })
})
