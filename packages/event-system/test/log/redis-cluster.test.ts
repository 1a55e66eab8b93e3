import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { type RedisCluster, startRedisCluster } from '../../../../test/support/start-redis-cluster.ts'
import { conformance } from '../../src/log/conformance/index.ts'
import { RedisStorage, type RedisStorageOptions } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { redisHarness } from './redis-harness.ts'
import {
  consumerOf,
  entry,
  newLog,
  readAll,
  started as startedLog,
  unique,
  untilAppended,
  untilFalse
} from './redis-logs.ts'
import { testSmoke } from './redis-smoke.ts'

const started = (options: RedisStorageOptions) => startedLog({ timeoutMs: 2_000, ...options })

describe('a log in a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  describe('is a log', () => {
    testSmoke(() => redisHarness({ url: cluster.url }))
  })

  describe('with a stream for each event type is one, all in one slot', () => {
    const cases = conformance.filter(({ title }) => /^(several partitions|append|commit): /.test(title))
    for (const { title, needs, run } of cases.filter(({ title }) => !title.includes('killed'))) {
      test(title, async (context) => {
        const harness = redisHarness({ url: cluster.url, partitioning: 'type' })
        onTestFinished(() => harness.dispose())
        if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
        await run(harness)
      })
    }
  })

  describe('with an index is one, all in one slot', () => {
    const cases = conformance.filter(({ title }) => /^(read: .*(event time|by key)|rates: how many)/.test(title))
    for (const { title, needs, run } of cases) {
      test(title, async (context) => {
        const harness = redisHarness({ url: cluster.url, isIndexed: true })
        onTestFinished(() => harness.dispose())
        if (needs?.(harness) === false) return context.skip('the log declares that it does otherwise')
        await run(harness)
      })
    }
  })

  test('has all its keys in the slot of its stream and under its name', async () => {
    const streamName = 'keys'
    const storage = await started({ url: cluster.url, streamName })
    await storage.log.append([entry('a'), { ...entry('b', 'risk_alert'), streamKey: 'account-7' }])
    const group = storage.queue('group')
    await group.create('start')
    const [delivery] = await group.read('one', { limit: 1, waitMs: 0 })
    const messageId = delivery?.messageId ?? ''
    const attach = [{ group: 'group', messageId, text: 'a text', if: { consumer: 'one', attempt: 1 } }]
    const write = ['c', { name: 'd', keepMs: 60_000 }].map((collection) => ({ collection, id: 'a', value: 'one' }))
    await storage.commit([{ attach, write }])
    await group.release('one', delivery === undefined ? [] : [delivery], { delayMs: 60_000 })
    const { node, slot } = await cluster.ownerOf(streamName)
    const keys = await cluster.ask<string[]>(node, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '100')
    const beside = [
      ...['document-ids:c', 'documents:c', 'expiring:N:d'],
      ...['attachments', 'delayed'].map((name) => `group:group:${name}`),
      ...['ids:N', 'stream:account-7', 'stream_versions', 'streams']
    ]
    expect(keys.map((key) => key.replace(/(?<=:)[01](?=$|:)/, 'N')).sort()).toEqual([
      streamName,
      ...beside.map((name) => `${streamName}:{${streamName}}:${name}`)
    ])
    for (const master of cluster.masters) {
      const others = await cluster.ask<string[]>(master, 'KEYS', `${streamName}*`)
      expect(others).toHaveLength(master === node ? keys.length : 0)
    }
  })

  test('takes a stream with a hash tag of its own as it is, and refuses one with braces that are none', async () => {
    const storage = await started({ url: cluster.url, streamName: 'events_{eu}' })
    await storage.log.append([entry('a')])
    const { node } = await cluster.ownerOf('events_{eu}')
    expect(
      (await cluster.ask<string[]>(node, 'KEYS', 'events_{eu}*')).map((key) => key.replace(/[01]$/, 'N')).sort()
    ).toEqual(['events_{eu}', 'events_{eu}:ids:N'])
    for (const streamName of ['a{b', 'a}b', '{}', 'a{}b']) {
      expect(() => new RedisStorage({ url: cluster.url, streamName }), streamName).toThrow(/braces/)
    }
  })

  test('is found though only one node of those that the URL names is there', async () => {
    const gone = await startRedis()
    await gone.stop()
    const [one] = cluster.masters
    const url = `redis+cluster://127.0.0.1:${gone.port},127.0.0.1:${one?.port}`
    for (const streamName of ['found_a', 'found_b', 'found_c', 'found_d']) {
      const storage = await started({ url, streamName })
      await storage.log.append([entry('a')])
      expect((await storage.log.read({ limit: 10 })).entries).toHaveLength(1)
    }
  })

  test('is opened while its slot is being handed over, when that is done', async () => {
    const streamName = 'opened_while_moving'
    const { node, slot } = await cluster.ownerOf(streamName)
    const next = cluster.masters[(cluster.masters.indexOf(node) + 1) % 3] as RedisServer
    const idOf = (server: RedisServer) => cluster.ask<string>(server, 'CLUSTER', 'MYID')
    await cluster.ask(next, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', await idOf(node))
    await cluster.ask(node, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', await idOf(next))
    const storage = newLog({ url: cluster.url, streamName })
    const starting = storage.start()
    starting.catch(() => {})
    await waitFor(async () => /errorstat_ASK/.test(await cluster.ask<string>(node, 'INFO', 'errorstats')))
    await cluster.moveSlot(slot, node, next)
    await starting
    await storage.log.append([entry('a')])
    expect((await storage.log.read({ limit: 10 })).entries).toHaveLength(1)
  })

  test('needs no more than the permissions of the documentation', async () => {
    const page = await readFile(new URL('../../../../docs/logs.md', import.meta.url), 'utf8')
    const [, line = ''] = /^ACL (SETUSER events [^`]+)/m.exec(page) ?? []
    const [besides = ''] = /\+cluster\|slots [^`]+/.exec(page) ?? []
    for (const master of cluster.masters) {
      await cluster.ask(master, 'ACL', ...line.trim().split(/\s+/), ...besides.split(' '))
    }
    const storage = await started({ url: cluster.url.replace('://', '://events:password@') })
    await storage.log.append([entry('a'), { ...entry('b'), streamKey: 'account-7' }])
    expect((await storage.log.read({ limit: 10 })).entries).toHaveLength(2)
    expect(await storage.log.readStream('account-7', { fromVersion: 1, limit: 10 })).toHaveLength(1)
    await storage.log.trim({ maxLength: 0 })
    expect(await storage.log.readStream('account-7', { fromVersion: 1, limit: 10 })).toEqual([])
    expect(storage.location).toBe(`${cluster.url} tradpal_events`)
  })

  test('is refused with a sentence that says how its URL begins, and so is one that is no cluster', async () => {
    const [node] = cluster.masters
    for (const streamName of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      const storage = new RedisStorage({ url: node?.url ?? '', streamName })
      const attempt = storage.start().then(() => storage.log.append([entry('a')]))
      await expect(attempt, streamName).rejects.toMatchObject({ code: 'log_incompatible' })
      await expect(attempt, streamName).rejects.toThrow(/redis\+cluster:\/\//)
      await storage.close()
    }
    const single = await startRedis()
    onTestFinished(() => single.stop())
    const none = new RedisStorage({ url: `redis+cluster://127.0.0.1:${single.port}` })
    await expect(none.start()).rejects.toThrow(/no Redis Cluster/)
    await none.close()
  })

  test('loses and doubles nothing while its slot is handed from node to node under publishers and consumers', async () => {
    const streamName = 'moved'
    const options = { url: cluster.url, streamName }
    const [publishing, consuming] = [await started(options), await started(options)]
    const group = consuming.queue('group')
    await group.create('start')
    const consumer = consumerOf(group)
    let publishes = true
    const payloads: (string | null)[] = []
    const publisher = untilFalse(
      () => publishes,
      async () => {
        const batch = [entry(`${unique()} a`), entry(`${unique()} b`, 'risk_alert')]
        await untilAppended(publishing, batch)
        payloads.push(...batch.map(({ payload }) => payload))
      }
    )

    for (let round = 0; round < 3; round++) {
      const published = payloads.length
      const { node, slot } = await cluster.ownerOf(streamName)
      const next = cluster.masters[(cluster.masters.indexOf(node) + 1) % 3] as RedisServer
      await cluster.moveSlot(slot, node, next)
      await waitFor(() => payloads.length > published + 50, { what: 'publishing going on' })
    }
    publishes = false
    await publisher
    await consumer.done()
    const { acknowledged } = consumer
    expect((await readAll(publishing)).map(({ payload }) => payload)).toEqual(payloads)
    expect(new Set(acknowledged).size, 'none acknowledged comes again').toBe(acknowledged.length)
    expect(acknowledged.length).toBeGreaterThan(payloads.length / 2)
  })
})

describe('a log in a Redis Cluster with replicas', () => {
  test('goes on at the replica when its master dies, with all that the replica had', async () => {
    const cluster = await startRedisCluster({ replicas: true })
    onTestFinished(() => cluster.stop())
    const storage = await started({ url: cluster.url })
    const group = storage.queue('group')
    await group.create('start')
    const waiting = group.read('one', { limit: 10, waitMs: 20_000 })
    const before = await storage.log.append([entry('before'), entry('before too', 'risk_alert')])
    expect(await waiting).toHaveLength(2)
    const { node } = await cluster.ownerOf('tradpal_events')
    const client = await redisClient(node.url).connect()
    expect(await client.sendCommand(['WAIT', '1', '5000'])).toBe(1)
    client.destroy()
    const next = storage.log.tail({ after: before[1]?.messageId ?? '' })[Symbol.asyncIterator]()
    await node.kill()
    await untilAppended(storage, [entry('after')])
    expect((await readAll(storage)).map(({ payload }) => payload)).toEqual(['before', 'before too', 'after'])
    expect((await group.read('two', { limit: 10, waitMs: 5_000 })).map(({ payload }) => payload)).toEqual(['after'])
    expect((await group.pending({ limit: 10 })).map(({ consumer }) => consumer)).toEqual(['one', 'one', 'two'])
    await next.return?.()
  })
})
