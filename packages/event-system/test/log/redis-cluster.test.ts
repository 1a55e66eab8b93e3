import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { redisClient } from '../../../../test/support/redis-client.ts'
import { type RedisServer, startRedis } from '../../../../test/support/start-redis.ts'
import { type RedisCluster, startRedisCluster } from '../../../../test/support/start-redis-cluster.ts'
import { conformance } from '../../src/log/conformance/index.ts'
import { RedisLog, type RedisLogOptions } from '../../src/log/redis/index.ts'
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

const started = (options: RedisLogOptions) => startedLog({ timeoutMs: 2_000, ...options })

describe('a log in a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  describe.each([
    { placement: 'together', shards: 1 },
    { placement: 'spread', shards: 2 }
  ] as const)('is a log, partitioned by type, placement $placement', (placement) => {
    for (const { title, needs, run } of conformance) {
      test(title, async (context) => {
        const harness = redisHarness({ url: cluster.url, partitioning: 'type', ...placement })
        onTestFinished(() => harness.dispose())
        if (needs?.(harness.features) === false) return context.skip('the log declares that it does otherwise')
        await run(harness)
      })
    }
  })

  test.each(['none', 'type'] as const)(
    'has all its keys in the slot of its stream and under its name, with partitioning %s',
    async (partitioning) => {
      const streamName = `keys_of_${partitioning}`
      const log = await started({ url: cluster.url, streamName, partitioning })
      await log.append([entry('a'), entry('b', 'risk_alert')])
      const group = log.group('group')
      await group.create('start')
      await group.sharded('one', { shards: 2, leaseMs: 1_000, shardOf: () => 0 }).renew()
      await group.ledger.begin('event', 'step')
      const { node, slot } = await cluster.ownerOf(streamName)
      const keys = await cluster.ask<string[]>(node, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '100')
      expect(keys.map((key) => key.replace(/[01]$/, 'N')).sort()).toEqual([
        streamName,
        ...(partitioning === 'type' ? ['bell'] : []).map((name) => `${streamName}:{${streamName}}:${name}`),
        ...['ledger:N', 'place', 'sharding'].map((name) => `${streamName}:{${streamName}}:group:group:${name}`),
        ...(partitioning === 'type' ? ['partitions'] : []).map((name) => `${streamName}:{${streamName}}:${name}`),
        `${streamName}:{${streamName}}:recent:N`,
        ...(partitioning === 'type' ? ['type:risk_alert', 'type:trading_signal'] : []).map(
          (name) => `${streamName}:{${streamName}}:${name}`
        )
      ])
      for (const master of cluster.masters) {
        const others = await cluster.ask<string[]>(master, 'KEYS', `${streamName}*`)
        expect(others).toHaveLength(master === node ? keys.length : 0)
      }
    }
  )

  test('takes a stream with a hash tag of its own as it is, and refuses one with braces that are none', async () => {
    const log = await started({ url: cluster.url, streamName: 'events_{eu}' })
    await log.append([entry('a')])
    const { node } = await cluster.ownerOf('events_{eu}')
    expect(
      (await cluster.ask<string[]>(node, 'KEYS', 'events_{eu}*')).map((key) => key.replace(/[01]$/, 'N')).sort()
    ).toEqual(['events_{eu}', 'events_{eu}:recent:N'])
    for (const streamName of ['a{b', 'a}b', '{}', 'a{}b']) {
      expect(() => new RedisLog({ url: cluster.url, streamName }), streamName).toThrow(/braces/)
    }
  })

  test('is found though only one node of those that the URL names is there', async () => {
    const gone = await startRedis()
    await gone.stop()
    const [one] = cluster.masters
    const url = `redis+cluster://127.0.0.1:${gone.port},127.0.0.1:${one?.port}`
    for (const streamName of ['found_a', 'found_b', 'found_c', 'found_d']) {
      const log = await started({ url, streamName })
      await log.append([entry('a')])
      expect(await log.read({ limit: 10 })).toHaveLength(1)
    }
  })

  test('is opened while its slot is being handed over, when that is done', async () => {
    const streamName = 'opened_while_moving'
    const { node, slot } = await cluster.ownerOf(streamName)
    const next = cluster.masters[(cluster.masters.indexOf(node) + 1) % 3] as RedisServer
    const idOf = (server: RedisServer) => cluster.ask<string>(server, 'CLUSTER', 'MYID')
    await cluster.ask(next, 'CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', await idOf(node))
    await cluster.ask(node, 'CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', await idOf(next))
    const log = newLog({ url: cluster.url, streamName })
    const starting = log.start()
    starting.catch(() => {})
    await waitFor(async () => /errorstat_ASK/.test(await cluster.ask<string>(node, 'INFO', 'errorstats')))
    await cluster.moveSlot(slot, node, next)
    await starting
    await log.append([entry('a')])
    expect(await log.read({ limit: 10 })).toHaveLength(1)
  })

  test('needs no more than the permissions of the documentation', async () => {
    const page = await readFile(new URL('../../../../docs/logs.md', import.meta.url), 'utf8')
    const [, line = ''] = /^ACL (SETUSER events [^`]+)/m.exec(page) ?? []
    const [besides = ''] = /\+cluster\|slots [^`]+/.exec(page) ?? []
    for (const master of cluster.masters) {
      await cluster.ask(master, 'ACL', ...line.trim().split(/\s+/), ...besides.split(' '))
    }
    const log = await started({ url: cluster.url.replace('://', '://events:password@'), partitioning: 'type' })
    await log.append([entry('a')])
    expect(await log.read({ limit: 10 })).toHaveLength(1)
    expect(log.location).toBe(`${cluster.url} tradpal_events`)
  })

  test('is refused with a sentence that says how its URL begins, and so is one that is no cluster', async () => {
    const [node] = cluster.masters
    for (const streamName of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      const log = new RedisLog({ url: node?.url ?? '', streamName })
      const attempt = log.start().then(() => log.append([entry('a')]))
      await expect(attempt, streamName).rejects.toMatchObject({ code: 'log_incompatible' })
      await expect(attempt, streamName).rejects.toThrow(/redis\+cluster:\/\//)
      await log.close()
    }
    const single = await startRedis()
    onTestFinished(() => single.stop())
    const none = new RedisLog({ url: `redis+cluster://127.0.0.1:${single.port}` })
    await expect(none.start()).rejects.toThrow(/no Redis Cluster/)
    await none.close()
  })

  test.each(['none', 'type'] as const)(
    'loses and doubles nothing while its slot is handed from node to node under publishers and consumers, with partitioning %s',
    async (partitioning) => {
      const streamName = `moved_${partitioning}`
      const options = { url: cluster.url, streamName, partitioning }
      const [publishing, consuming] = [await started(options), await started(options)]
      const group = consuming.group('group')
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
        await waitFor(() => payloads.length > published + 50, { timeoutMs: 15_000, what: 'publishing going on' })
      }
      publishes = false
      await publisher
      await consumer.done()
      const { acknowledged } = consumer
      expect((await readAll(publishing)).map(({ payload }) => payload)).toEqual(payloads)
      expect(new Set(acknowledged).size, 'none acknowledged comes again').toBe(acknowledged.length)
      expect(acknowledged.length).toBeGreaterThan(payloads.length / 2)
    }
  )
})

describe('a log whose events are spread over a Redis Cluster', () => {
  let cluster: RedisCluster
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  const TYPES = ['market_data_update', 'order_executed', 'risk_alert', 'trading_signal', 'portfolio_update']
  const spread = { partitioning: 'type', placement: 'spread', shards: 3 } as const
  const ofEachType = () => TYPES.map((type) => entry(`${type} ${unique()}`, type))
  const payloadsOf = (entries: readonly { payload: string | null }[]) => entries.map(({ payload }) => payload)

  test('has its events on every node, and is read as one by whoever does not spread them', async () => {
    const streamName = 'everywhere'
    const log = await started({ url: cluster.url, streamName, ...spread })
    const entries = Array.from({ length: 9 }, ofEachType).flat()
    await log.append(entries)
    for (const master of cluster.masters) {
      const keys = await cluster.ask<string[]>(master, 'KEYS', `${streamName}:type:*`)
      expect(keys.length).toBeGreaterThan(0)
      for (const key of keys) {
        const [first] = await cluster.ask<[string, string[]][]>(master, 'XRANGE', key, '-', '+', 'COUNT', '1')
        expect(first?.[1][0]).toBe('event')
      }
    }
    const reader = await started({ url: cluster.url, streamName })
    expect(payloadsOf(await reader.read({ limit: 100 }))).toEqual(payloadsOf(entries))
    const risks = await reader.read({ eventTypes: ['risk_alert'], limit: 100 })
    expect(payloadsOf(risks)).toEqual(payloadsOf(entries.filter(({ eventType }) => eventType === 'risk_alert')))
    const group = reader.group('group')
    await group.create('start')
    expect(payloadsOf(await group.read('one', { limit: 100, waitMs: 0 }))).toEqual(payloadsOf(entries))
  })

  test('appends nothing while a node that it needs is away, hands back what it cannot read, and goes on when it is there again', async () => {
    const streamName = 'a_node_away'
    const { node } = await cluster.ownerOf(streamName)
    const log = await started({ url: cluster.url, streamName, timeoutMs: 500, ...spread })
    const before = Array.from({ length: 3 }, ofEachType).flat()
    await log.append(before)
    const group = log.group('group')
    await group.create('start')
    const away = cluster.masters.find((master) => master !== node) as RedisServer
    const batch = Array.from({ length: 3 }, ofEachType).flat()
    away.pause()
    try {
      await expect(log.append(batch)).rejects.toMatchObject({ code: 'log_unavailable', retryable: true })
      expect((await cluster.ask<[string, unknown][]>(node, 'XINFO', 'GROUPS', streamName)).length).toBe(1)
      await expect(log.read({ limit: 100 })).rejects.toMatchObject({ code: expect.stringMatching(/^log_/) })
      await expect(group.read('one', { limit: 100, waitMs: 0 })).rejects.toMatchObject({ retryable: true })
    } finally {
      away.resume()
    }
    expect((await untilAppended(log, batch)).some(({ duplicate }) => duplicate)).toBe(false)
    expect(payloadsOf(await readAll(log))).toEqual(payloadsOf([...before, ...batch]))
    const handedBack = await group.claim('two', { minIdleMs: 60_000, limit: 100 })
    const rest = await group.read('two', { limit: 100, waitMs: 0 })
    expect(payloadsOf([...handedBack, ...rest])).toEqual(payloadsOf([...before, ...batch]))
  })

  test('removes events ten minutes after their entries, and those that no entry ever referred to', async () => {
    const streamName = 'swept'
    const log = await started({ url: cluster.url, streamName, ...spread, shards: 1 })
    const twice = entry('a duplicate', 'risk_alert')
    await log.append([twice, twice])
    const key = `${streamName}:type:{risk_alert/0}`
    const { node } = await cluster.ownerOf(key)
    const long = Date.now() - 3_600_000
    await cluster.ask(node, 'DEL', key)
    for (const id of [`${long}-0`, `${long}-1`])
      await cluster.ask(node, 'XADD', key, id, 'event', 'nobody refers to it')
    await log.append([entry('new', 'risk_alert')])
    expect(await log.trim({ maxLength: 1 })).toMatchObject({ removed: 1 })
    expect(await cluster.ask<number>(node, 'XLEN', key)).toBe(1)
    expect(payloadsOf(await log.read({ limit: 10 }))).toEqual(['new'])
  })

  test('calls an entry poison whose event a failover has lost', async () => {
    const streamName = 'lost_payload'
    const log = await started({ url: cluster.url, streamName, ...spread, shards: 1 })
    const [first] = await log.append([entry('lost', 'risk_alert'), entry('there', 'trading_signal')])
    const key = `${streamName}:type:{risk_alert/0}`
    await cluster.ask((await cluster.ownerOf(key)).node, 'DEL', key)
    const group = log.group('group')
    await group.create('start')
    const deliveries = await group.read('one', { limit: 10, waitMs: 0 })
    expect(deliveries).toMatchObject([
      { messageId: first?.messageId, payload: null, raw: { at: expect.stringMatching(/^0 \d+-\d+$/) } },
      { payload: 'there' }
    ])
  })

  test.each([
    [{ partitioning: 'none' }, /partitioning is type/],
    [{ streamName: '{tag}' }, /braces/],
    [{ shards: 65 }, /from 1 to 64/],
    [{ url: 'redis://localhost' }, /redis\+cluster/]
  ] as const)('is refused with %o', (options, sentence) => {
    expect(() => new RedisLog({ url: cluster.url, ...spread, ...options })).toThrow(sentence)
  })
})

describe('a log in a Redis Cluster with replicas', () => {
  test('goes on at the replica when its master dies, with all that the replica had', async () => {
    const cluster = await startRedisCluster({ replicas: true })
    onTestFinished(() => cluster.stop())
    const log = await started({ url: cluster.url, partitioning: 'type' })
    const group = log.group('group')
    await group.create('start')
    const waiting = group.read('one', { limit: 10, waitMs: 20_000 })
    const before = await log.append([entry('before'), entry('before too', 'risk_alert')])
    expect(await waiting).toHaveLength(2)
    const { node } = await cluster.ownerOf('tradpal_events')
    const client = await redisClient(node.url).connect()
    expect(await client.sendCommand(['WAIT', '1', '5000'])).toBe(1)
    client.destroy()
    const next = log.tail({ after: before[1]?.messageId ?? '' })[Symbol.asyncIterator]()
    await node.kill()
    await untilAppended(log, [entry('after')])
    expect((await readAll(log)).map(({ payload }) => payload)).toEqual(['before', 'before too', 'after'])
    expect((await group.read('two', { limit: 10, waitMs: 5_000 })).map(({ payload }) => payload)).toEqual(['after'])
    expect((await group.pending({ limit: 10 })).map(({ consumer }) => consumer)).toEqual(['one', 'one', 'two'])
    await next.return?.()
  })
})
