import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type RedisConfig, type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { startRedisCluster } from '../../../../test/support/start-redis-cluster.ts'
import type { Unit } from '../../src/log/port.ts'
import { RedisStorage } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { command, failure, entry as newEntry, newLog, server, started, unique } from './redis-logs.ts'

const entry = (eventType?: string) => newEntry(`payload ${unique()}`, eventType)

/** A master with a replica that it knows to have its data. */
async function pair(config: RedisConfig = {}): Promise<[master: RedisServer, replica: RedisServer]> {
  const quick = { 'repl-diskless-sync-delay': '0', ...config }
  const master = await server(quick)
  const replica = await server({ ...quick, replicaof: `127.0.0.1 ${master.port}` })
  // Until its first acknowledgement, which comes once a second, an online replica may be sent nothing yet.
  const hasAcknowledged = async () => {
    await command(master.url, 'SET', 'pair', 'made')
    return /state=online,offset=[1-9]/.test(String(await command(master.url, 'INFO', 'replication')))
  }
  await waitFor(hasAcknowledged)
  return [master, replica]
}

const LOST = /has written it, but only 0 of 1 replicas said in time/

describe('durability replicas:N', () => {
  test('resolves when a replica has it: alone, in a batch, and in a unit', async () => {
    const [master, replica] = await pair()
    const storage = await started({ url: master.url, durability: 'replicas:1', timeoutMs: 1_000 })
    const group = storage.queue('group')
    await group.create('start')
    await storage.log.append([entry()])
    await storage.log.append([entry(), entry('risk_alert')])
    const deliveries = await group.read('one', { limit: 2, waitMs: 0 })
    const [first, second] = deliveries.map(
      ({ messageId, attempt }): Unit => ({
        acknowledge: [{ group: 'group', consumer: 'one', messageId, attempt }],
        append: { entries: [entry()] }
      })
    ) as [Unit, Unit]
    await storage.commit([first])
    const reader = await started({ url: replica.url })
    expect((await reader.log.read({ limit: 10 })).entries).toHaveLength(4)

    replica.pause()
    for (const append of [[entry()], [entry(), entry('risk_alert')]]) {
      const error = await failure(storage.log.append(append))
      expect(error).toMatchObject({ code: 'log_timeout', retryable: true, message: expect.stringMatching(LOST) })
      expect(error.message).toMatch(/Publishing the same event again is safe/)
    }
    expect(await failure(storage.commit([second]))).toMatchObject({ message: expect.stringMatching(LOST) })
    expect((await storage.log.read({ limit: 10 })).entries, 'the master has all of it').toHaveLength(8)
    replica.resume()
    await waitFor(() => storage.log.append([entry()]))
    expect((await reader.log.read({ limit: 10 })).entries).toHaveLength(9)
  })

  test('holds for a commit, but not for one that changes only what is pending', async () => {
    const [master, replica] = await pair()
    const storage = await started({ url: master.url, durability: 'replicas:1', timeoutMs: 1_000 })
    const group = storage.queue('group')
    await group.create('start')
    await storage.log.append([entry()])
    await storage.cursors.create('follower', 'start')
    const [delivery] = await group.read('one', { limit: 1, waitMs: 0 })
    const { messageId = '', attempt = 0 } = delivery ?? {}
    replica.pause()
    const lasting: Unit[] = [
      { append: { entries: [entry()] } },
      { cursors: [{ name: 'follower', to: messageId }] },
      { write: [{ collection: 'c', id: 'a', value: 'one' }] }
    ]
    for (const unit of lasting) {
      expect(await failure(storage.commit([unit]))).toMatchObject({ message: expect.stringMatching(LOST) })
    }
    const hold = { consumer: 'one', attempt }
    const attach = [{ group: 'group', messageId, text: 'a text', if: hold }]
    const acknowledge = [{ group: 'group', messageId, ...hold }]
    expect(await storage.commit([{ attach }, { acknowledge }])).toMatchObject([
      { kind: 'committed' },
      { kind: 'committed' }
    ])
    replica.resume()
  })

  test('asks again for what is there already, whoever appends it', async () => {
    const [master, replica] = await pair()
    const options = { url: master.url, durability: 'replicas:1', timeoutMs: 1_000 } as const
    const [first, other] = [await started(options), await started(options)]
    await first.log.append([entry()])
    await other.log.append([entry()])
    replica.pause()
    const once = entry()
    expect(await failure(first.log.append([once]))).toMatchObject({ code: 'log_timeout' })
    expect(await failure(other.log.append([once])), 'the duplicate is no more durable').toMatchObject({
      code: 'log_timeout',
      message: expect.stringMatching(LOST)
    })
    replica.resume()
    expect(await waitFor(() => other.log.append([once]))).toMatchObject([{ duplicate: true }])
    await replica.kill()
    expect((await first.log.read({ limit: 10 })).entries).toHaveLength(3)
  })

  test('holds up neither reads nor other writes while it waits, and rejects within the time of the call', async () => {
    const [master, replica] = await pair()
    const storage = await started({ url: master.url, durability: 'replicas:1', timeoutMs: 60_000 })
    const group = storage.queue('group')
    await storage.log.append([entry()])
    await group.create('end')
    replica.pause()
    const before = performance.now()
    let isAppending = true
    const appended = failure(storage.log.append([entry()], { timeoutMs: 5_000 })).finally(() => {
      isAppending = false
    })
    const [delivery] = await waitFor(async () => {
      const found = await group.read('one', { limit: 1, waitMs: 0 })
      return found.length > 0 && found
    })
    await group.acknowledge('one', delivery === undefined ? [] : [delivery])
    expect(isAppending).toBe(true)
    expect(await appended).toMatchObject({ code: 'log_timeout', message: expect.stringMatching(LOST) })
    expect(performance.now() - before, 'in the time of the call, not in that of the log').toBeLessThan(30_000)
    replica.resume()
  })

  test('asks once for all that is appended in one turn, in the same round trip', async () => {
    const [master] = await pair()
    const storage = await started({ url: master.url, durability: 'replicas:1' })
    const calls = async () => {
      const stats = String(await command(master.url, 'INFO', 'commandstats'))
      return Number(/cmdstat_wait:calls=(\d+)/.exec(stats)?.[1])
    }
    await storage.log.append([entry()])
    const before = await calls()
    await Promise.all(Array.from({ length: 50 }, () => storage.log.append([entry()])))
    expect((await calls()) - before).toBe(1)
  })

  test('survives the loss of the master', async () => {
    const [master, replica] = await pair()
    const storage = await started({ url: master.url, durability: 'replicas:1' })
    const confirmed: string[] = []
    const calls = Array.from({ length: 300 }, async () => {
      const next = entry()
      await storage.log.append([next])
      confirmed.push(next.payload)
    })
    await calls[100]
    await master.kill()
    await Promise.allSettled(calls)
    await command(replica.url, 'REPLICAOF', 'NO', 'ONE')
    const stored = new Set(
      (await (await started({ url: replica.url })).log.read({ limit: 1_000 })).entries.map((one) => one.payload)
    )
    expect(confirmed.length).toBeGreaterThan(0)
    expect(confirmed.filter((payload) => !stored.has(payload))).toEqual([])
  })

  test('needs the permission to wait, and says so at the start', async () => {
    const redis = await server()
    await command(redis.url, 'ACL', 'SETUSER', 'events', 'on', '>pw', '~*', '+@all', '-wait')
    const storage = newLog({ url: redis.url.replace('://', '://events:pw@'), durability: 'replicas:1' })
    await expect(storage.start()).rejects.toMatchObject({ code: 'log_refused', message: expect.stringMatching(/wait/) })
  })

  test('holds in a Redis Cluster', async () => {
    const cluster = await startRedisCluster({ replicas: true })
    onTestFinished(() => cluster.stop())
    const storage = await started({
      url: cluster.url,
      durability: 'replicas:1',
      timeoutMs: 1_000
    })
    await storage.log.append([entry(), entry('risk_alert'), entry('order_executed')])
    for (const replica of cluster.replicas) replica.pause()
    const error = await failure(storage.log.append([entry()]))
    expect(error).toMatchObject({ retryable: true, message: expect.stringMatching(LOST) })
    for (const replica of cluster.replicas) replica.resume()
    await waitFor(() => storage.log.append([entry(), entry('risk_alert')]))
  })

  test.each(['replicas:0', 'replicas:', 'replicas:1.5', 'disk'])('is not %s', (durability) => {
    expect(() => new RedisStorage({ durability: durability as 'fsync' })).toThrow(/memory, fsync or replicas:N/)
  })
})

describe('durability fsync', () => {
  let redis: RedisServer
  let hasIt: boolean
  beforeAll(async () => {
    redis = await startRedis({ appendonly: 'yes', appendfsync: 'everysec' })
    const version = /redis_version:(\d+)\.(\d+)/.exec(String(await command(redis.url, 'INFO', 'server')))
    hasIt = Number(version?.[1]) * 100 + Number(version?.[2]) >= 702
  })
  afterAll(() => redis.stop())

  test('is refused at the start by a Redis before 7.2, with what to set instead', async (context) => {
    if (hasIt) return context.skip('this Redis has WAITAOF')
    const error = await failure(newLog({ url: redis.url, durability: 'fsync' }).start())
    expect(error).toMatchObject({ code: 'unsupported', retryable: false })
    expect(error.message).toMatch(/needs Redis 7\.2 or later.*set memory, with appendfsync always.*or replicas:1/)
  })

  test('resolves when the event is in the append-only file, which survives the loss of the process', async (context) => {
    if (!hasIt) return context.skip('this Redis has no WAITAOF')
    const storage = await started({ url: redis.url, durability: 'fsync' })
    await storage.log.append([entry()])
    await command(redis.url, 'CONFIG', 'RESETSTAT')
    const before = performance.now()
    await storage.log.append([entry()])
    expect(String(await command(redis.url, 'INFO', 'commandstats'))).toMatch(/cmdstat_waitaof:calls=1/)
    expect(performance.now() - before, 'with everysec it takes up to a second').toBeLessThan(15_000)
    await command(redis.url, 'CONFIG', 'SET', 'appendfsync', 'no')
    expect(await failure(storage.log.append([entry()], { timeoutMs: 300 }))).toMatchObject({
      code: 'log_timeout',
      message: expect.stringMatching(/did not say in time that it is in the append-only file/)
    })
  })

  test('is refused by a Redis without an append-only file', async (context) => {
    if (!hasIt) return context.skip('this Redis has no WAITAOF')
    const none = await server()
    const error = await failure(newLog({ url: none.url, durability: 'fsync' }).start())
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/set appendonly yes/) })
  })
})
