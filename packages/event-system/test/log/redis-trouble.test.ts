import { rm } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../../../test/support/free-port.ts'
import { type RedisConfig, type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { startRedisCluster } from '../../../../test/support/start-redis-cluster.ts'
import type { RedisStorage } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { clientOf, entry, failure, newLog, server } from './redis-logs.ts'

/** One that may not be able to end when it is asked to. */
async function stubborn(config: RedisConfig): Promise<RedisServer> {
  const started = await startRedis(config)
  onTestFinished(async () => {
    await started.kill()
    await started.stop()
  })
  return started
}

async function startedOn(redis: RedisServer) {
  const storage = newLog({ url: redis.url })
  await storage.start()
  await storage.log.append([entry()])
  return { storage, client: await clientOf(redis) }
}

/** What an append is refused with, and that the same one succeeds when the trouble is over. */
async function refusesUntil(storage: RedisStorage, over: () => Promise<unknown>): Promise<Error & { code: string }> {
  const again = entry()
  const error = await failure(storage.log.append([again]))
  expect(error.retryable).toBe(true)
  await over()
  expect(await waitFor(() => storage.log.append([again]))).toMatchObject([{ duplicate: false }])
  return error
}

describe('a Redis in trouble says so, and whether trying again can help', () => {
  test('OOM: log_full', async () => {
    const { storage, client } = await startedOn(await server())
    await client.sendCommand(['CONFIG', 'SET', 'maxmemory', '1'])
    const error = await refusesUntil(storage, () => client.sendCommand(['CONFIG', 'SET', 'maxmemory', '0']))
    expect(error).toMatchObject({ code: 'log_full', message: expect.stringMatching(/raise its maxmemory, or trim/) })
  })

  test('MISCONF: log_unavailable', async () => {
    const redis = await stubborn({ save: '3600 1' })
    const { storage, client } = await startedOn(redis)
    await rm(redis.dir, { recursive: true })
    await client.sendCommand(['BGSAVE'])
    await waitFor(async () => /last_bgsave_status:err/.test(String(await client.sendCommand(['INFO', 'persistence']))))
    const error = await refusesUntil(storage, () =>
      client.sendCommand(['CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'])
    )
    expect(error).toMatchObject({ code: 'log_unavailable', message: expect.stringMatching(/look at its disk/) })
  })

  test('NOREPLICAS: log_unavailable', async () => {
    const { storage, client } = await startedOn(await server())
    await client.sendCommand(['CONFIG', 'SET', 'min-replicas-to-write', '1'])
    const error = await refusesUntil(storage, () => client.sendCommand(['CONFIG', 'SET', 'min-replicas-to-write', '0']))
    expect(error).toMatchObject({ code: 'log_unavailable', message: expect.stringMatching(/bring its replicas back/) })
  })

  test('READONLY: log_read_only, which trying again does not help', async () => {
    const { storage, client } = await startedOn(await server())
    await client.sendCommand(['REPLICAOF', '127.0.0.1', String(await freePort())])
    expect(await failure(storage.log.append([entry()]))).toMatchObject({
      code: 'log_read_only',
      retryable: false,
      message: expect.stringMatching(/must name the master, or sentinels/)
    })
  })

  test('MASTERDOWN: log_unavailable', async () => {
    const { storage, client } = await startedOn(await server({ 'replica-serve-stale-data': 'no' }))
    await client.sendCommand(['REPLICAOF', '127.0.0.1', String(await freePort())])
    expect(await failure(storage.log.read({ limit: 1 }))).toMatchObject({
      code: 'log_unavailable',
      retryable: true,
      message: expect.stringMatching(/a replica that has lost its master/)
    })
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    expect((await storage.log.read({ limit: 1 })).entries).toHaveLength(1)
  })

  test('LOADING: log_unavailable', async () => {
    const redis = await server({ 'key-load-delay': '1000', 'loading-process-events-interval-bytes': '1024' })
    const { storage, client } = await startedOn(redis)
    await client.sendCommand(['EVAL', "for i = 1, 3000 do redis.call('SET', 'key' .. i, '') end", '0'])
    await client.sendCommand(['SAVE'])
    const restarting = redis.restart()
    await waitFor(
      async () => {
        const error = await storage.log.append([entry()]).then(
          () => undefined,
          (reason) => reason
        )
        return error?.retryable && error.message.includes('is loading its data')
      },
      { what: 'the loading being told' }
    )
    await restarting
    await waitFor(() => storage.ping().then(() => true))
  })

  test('BUSY: log_busy', async () => {
    const redis = await stubborn({ 'busy-reply-threshold': '20' })
    const { storage, client } = await startedOn(redis)
    const script = client.sendCommand(['EVAL', 'while true do end', '0']).catch(() => {})
    const other = await clientOf(redis)
    await waitFor(async () => (await failure(other.sendCommand(['GET', 'a']))).message.startsWith('BUSY'))
    const error = await refusesUntil(storage, async () => {
      await other.sendCommand(['SCRIPT', 'KILL'])
      await script
    })
    expect(error).toMatchObject({ code: 'log_busy', message: expect.stringMatching(/SCRIPT KILL/) })
  })

  test('NOAUTH and WRONGPASS: log_refused, which trying again does not help', async () => {
    const redis = await server({ requirepass: 'the right one' })
    for (const [url, sentence] of [
      [redis.url, /wants a user and a password; put them into the URL.*NOAUTH/],
      [redis.url.replace('://', '://:wrong@'), /refused the user or the password of the URL.*WRONGPASS/]
    ] as const) {
      expect(await failure(newLog({ url }).start())).toMatchObject({
        code: 'log_refused',
        retryable: false,
        message: expect.stringMatching(sentence)
      })
    }
  })

  test('a password where none is wanted: log_refused', async () => {
    const redis = await server()
    const error = await failure(newLog({ url: redis.url.replace('://', '://:any@') }).start())
    expect(error).toMatchObject({ code: 'log_refused', message: expect.stringMatching(/default user has none/) })
  })

  test('CLUSTERDOWN: log_unavailable, as where nobody has the slot', async () => {
    const redis = await server({ 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()) })
    const down = await failure(newLog({ url: redis.url, connectTimeoutMs: 1_000 }).start())
    expect(down).toMatchObject({ code: 'log_unavailable', message: expect.stringMatching(/CLUSTER INFO/) })
    const url = redis.url.replace('redis:', 'redis+cluster:')
    const nobody = await failure(newLog({ url, connectTimeoutMs: 1_000 }).start())
    expect(nobody).toMatchObject({ code: 'log_unavailable', retryable: true })
  })

  test('TRYAGAIN: log_moved', async () => {
    const cluster = await startRedisCluster()
    onTestFinished(() => cluster.stop())
    const storage = newLog({ url: cluster.url })
    await storage.start()
    await storage.log.append([entry()])
    const { node, slot } = await cluster.ownerOf('tradpal_events')
    const target = cluster.masters.find((master) => master !== node) as RedisServer
    const id = await cluster.ask<string>(target, 'CLUSTER', 'MYID')
    await cluster.ask(node, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', id)
    const error = await refusesUntil(storage, () => cluster.ask(node, 'CLUSTER', 'SETSLOT', String(slot), 'STABLE'))
    expect(error).toMatchObject({ code: 'log_moved', message: expect.stringMatching(/is moving the keys/) })
  })
})
