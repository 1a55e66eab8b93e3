import { describe, expect, onTestFinished, test } from 'vitest'
import { TcpProxy } from '../../../../test/support/tcp-proxy.ts'
import type { AppendEntry, Collection, Delivery, Unit, WorkQueue } from '../../src/log/port.ts'
import type { RedisStorage } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { redisInTest } from './redis-in-test.ts'
import { type clientOf, entry, failure, server, started } from './redis-logs.ts'

const STEPS: Collection = { name: 'steps', keepMs: 600_000 }
/** Of 100 kB. */
const LARGE = 'x'.repeat(100_000)

type Client = Awaited<ReturnType<typeof clientOf>>

/** All that Redis has, as texts. */
async function everything(client: Client): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {}
  for (const key of (await client.keys('*')).sort()) content[key] = await contentOf(client, key)
  return content
}

async function contentOf(client: Client, key: string): Promise<unknown> {
  const type = await client.type(key)
  if (type === 'stream') return [await client.xRange(key, '-', '+'), await pendingOf(client, key)]
  const commands: Record<string, string[]> = {
    hash: ['HGETALL', key],
    list: ['LRANGE', key, '0', '-1'],
    zset: ['ZRANGE', key, '0', '-1'],
    string: ['GET', key]
  }
  return client.sendCommand(commands[type] as string[])
}

/** Id, holder and deliveries of all that is pending of a stream. */
async function pendingOf(client: Client, stream: string): Promise<unknown> {
  const pending: unknown[] = []
  for (const { name } of await client.xInfoGroups(stream)) {
    for (const one of await client.xPendingRange(stream, String(name), '-', '+', 1_000)) {
      pending.push([name, one.id, one.consumer, one.deliveriesCounter])
    }
  }
  return pending
}

function keyedEntry(streamKey = 'account-7'): AppendEntry {
  return { ...entry(), streamKey }
}

/** A log with something in each of its keys, and a unit that changes each but the leases. */
async function prepared(storage: RedisStorage): Promise<Unit> {
  const group = storage.queue('group')
  await group.create('start')
  await storage.log.append([keyedEntry(), entry(), entry(), entry()])
  const [first, second, third, fourth] = (await group.read('one', { limit: 4, waitMs: 0 })) as Delivery[]
  const keptOf = (delivery?: Delivery) => ({ group: 'group', messageId: delivery?.messageId ?? '' })
  const hold = { consumer: 'one', attempt: 1 }
  const attach = [second, third, fourth].map((one) => ({ ...keptOf(one), text: 'before', if: hold }))
  const [token = 0] = await storage.leases.acquire(['relay'], { holder: 'one', ttlMs: 600_000 })
  await storage.cursors.create('follower', 'start')
  await storage.commit([
    {
      attach,
      write: [
        { collection: 'c', id: 'a', value: 'before' },
        { collection: 'c', id: 'gone', value: 'before' },
        { collection: STEPS, id: 'gone', value: 'before' }
      ]
    }
  ])
  return {
    fence: [{ lease: 'relay', token }],
    acknowledge: [{ ...keptOf(second), ...hold }],
    attach: [{ ...keptOf(third), text: LARGE, if: { from: 'before' } }],
    requeue: [{ ...keptOf(fourth), attachment: LARGE }],
    cursors: [{ name: 'follower', to: first?.messageId ?? '' }],
    append: { entries: [keyedEntry(), entry(LARGE)], expected: [{ key: 'account-7', version: 1 }] },
    write: [
      { collection: 'c', id: 'gone', value: null },
      { collection: STEPS, id: 'gone', value: null },
      { collection: 'c', id: 'a', value: LARGE },
      { collection: 'd', id: 'new', value: LARGE, expected: 0 },
      { collection: STEPS, id: 'new', value: LARGE, expected: 0 }
    ]
  }
}

describe('a commit in Redis', () => {
  const redis = redisInTest()

  test('keeps cursors, collections and their ids in keys of their own', async () => {
    const storage = await redis.started()
    await storage.commit([await prepared(storage)])
    expect((await redis.client.keys('*')).sort()).toEqual([
      'tradpal_events',
      'tradpal_events:cursors',
      'tradpal_events:document-ids:c',
      'tradpal_events:document-ids:d',
      'tradpal_events:documents:c',
      'tradpal_events:documents:d',
      'tradpal_events:expiring:1:steps',
      'tradpal_events:group:group:attachments',
      'tradpal_events:ids:1',
      'tradpal_events:leases',
      'tradpal_events:stream:account-7',
      'tradpal_events:stream_versions',
      'tradpal_events:streams'
    ])
    expect(await redis.client.zRange('tradpal_events:document-ids:c', 0, -1)).toEqual(['a'])
    expect(await redis.client.pTTL('tradpal_events:expiring:1:steps')).toBeGreaterThan(500_000)
  })

  test.each([
    'tradpal_events',
    'tradpal_events:ids:0',
    'tradpal_events:ids:1',
    'tradpal_events:stream_versions',
    'tradpal_events:streams',
    'tradpal_events:stream:account-7',
    'tradpal_events:leases',
    'tradpal_events:cursors',
    'tradpal_events:documents:c',
    'tradpal_events:document-ids:c',
    'tradpal_events:documents:d',
    'tradpal_events:document-ids:d',
    'tradpal_events:expiring:0:steps',
    'tradpal_events:expiring:1:steps',
    'tradpal_events:group:group:attachments'
  ])('where %s is of another type, rejects with log_incompatible, and nothing of any unit happens', async (key) => {
    const storage = await redis.started()
    const unit = await prepared(storage)
    await redis.client.del(key)
    await redis.client.set(key, 'a text')
    const before = await everything(redis.client)
    const others = [{ append: { entries: [entry()] } }, { write: [{ collection: 'e', id: 'a', value: 'one' }] }]
    const error = await failure(storage.commit([...others, unit, ...others]))
    expect(error).toMatchObject({ code: 'log_incompatible', message: expect.stringMatching(/another type/) })
    expect(await everything(redis.client)).toEqual(before)
  })

  const shapes: [string, (unit: Unit) => Unit][] = [
    ['of all parts', (unit) => unit],
    ['that acknowledges and appends', ({ acknowledge = [], append = { entries: [] } }) => ({ acknowledge, append })],
    ['that acknowledges and moves a cursor', ({ acknowledge = [], cursors = [] }) => ({ acknowledge, cursors })],
    ['that acknowledges and attaches', ({ acknowledge = [], attach = [] }) => ({ acknowledge, attach })],
    ['that requeues with an attachment', ({ requeue = [] }) => ({ requeue })],
    ['that requeues and removes a document', ({ requeue = [], write = [] }) => ({ requeue, write: write.slice(0, 1) })],
    ['that appends', ({ append = { entries: [] } }) => ({ append })],
    [
      'that moves a cursor and removes documents',
      ({ cursors = [], write = [] }) => ({ cursors, write: write.slice(0, 2) })
    ],
    ['that removes a document of a lasting collection', ({ write = [] }) => ({ write: write.slice(0, 1) })],
    ['that replaces a document', ({ write = [] }) => ({ write: write.slice(2, 3) })],
    ['that removes one document and writes others', ({ write = [] }) => ({ write })],
    ['that writes into an expiring collection', ({ write = [] }) => ({ write: write.slice(4) })]
  ]

  test.each(shapes)('a unit %s is whole or refused with log_full, at each bound of the memory', async (_, shapeOf) => {
    const storage = await redis.started()
    const unit = shapeOf(await prepared(storage))
    const before = await everything(redis.client)
    // What the call itself takes at the server is a part of it, so that the bound is passed inside the call too. The buffers of
    // earlier calls may be given back meanwhile.
    let bound = (await usedMemory(redis.client)) - 200_000
    onTestFinished(async () => void (await redis.client.configSet('maxmemory', '0')))
    let refusals = 0
    for (;;) {
      await redis.client.configSet('maxmemory', String(bound))
      const outcome = await storage.commit([unit]).catch((error) => error.code)
      await redis.client.configSet('maxmemory', '0')
      if (outcome !== 'log_full') {
        expect(outcome).toMatchObject([{ kind: 'committed' }])
        break
      }
      refusals += 1
      expect(await everything(redis.client)).toEqual(before)
      bound += 10_000
    }
    expect(refusals).toBeGreaterThan(0)
    await isWhole(storage, unit)
  })

  test('a unit that only acknowledges or requeues is committed with a full memory', async () => {
    const storage = await redis.started()
    const { acknowledge = [], requeue = [] } = await prepared(storage)
    const requeueAlone = requeue.map(({ group, messageId }) => ({ group, messageId }))
    await redis.client.configSet('maxmemory', '1')
    onTestFinished(async () => void (await redis.client.configSet('maxmemory', '0')))
    const units: Unit[] = [{ acknowledge }, { requeue: requeueAlone }]
    for (const unit of units) {
      expect(await storage.commit([unit])).toMatchObject([{ kind: 'committed' }])
      await isWhole(storage, unit)
    }
  })

  test('a unit that only removes from an expiring collection is committed with a full memory, and those behind it whole', async () => {
    const storage = await redis.started()
    const unit = await prepared(storage)
    await redis.client.configSet('maxmemory', '1')
    onTestFinished(async () => void (await redis.client.configSet('maxmemory', '0')))
    const removal: Unit = { write: [{ collection: STEPS, id: 'gone', value: null }] }
    const results = await storage.commit([removal, unit])
    expect(results.map(({ kind }) => kind)).toEqual(['committed', 'committed'])
    await redis.client.configSet('maxmemory', '0')
    await isWhole(storage, unit)
  })

  test('units of more than 1 MiB go to the server in several runs, in order, each seeing those before', async () => {
    const storage = await redis.started()
    await storage.commit([{}])
    const value = 'x'.repeat(400_000)
    const units = Array.from({ length: 7 }, (_, i): Unit => {
      const append = { entries: [keyedEntry('key')], expected: [{ key: 'key', version: i }] }
      return { append, write: [{ collection: 'c', id: String(i), value }] }
    })
    const before = await scriptCalls(redis.client)
    const results = await storage.commit(units)
    expect((await scriptCalls(redis.client)) - before).toBe(4)
    expect(results.map((result) => result.kind === 'committed' && result.appended[0]?.version)).toEqual([
      1, 2, 3, 4, 5, 6, 7
    ])
  })

  test('where a later run fails and units of an earlier one are committed, it rejects with log_timeout', async () => {
    const storage = await redis.started()
    await redis.client.set('tradpal_events:documents:broken', 'a text')
    const write = (collection: string, expected?: number): Unit => ({
      write: [{ collection, id: 'a', value: 'x'.repeat(800_000), ...(expected !== undefined && { expected }) }]
    })
    const error = await failure(storage.commit([write('c', 0), write('broken')]))
    expect(error).toMatchObject({
      code: 'log_timeout',
      message: expect.stringMatching(/first 1 were settled, and 1 of them committed/)
    })
    expect(await storage.collections.count('c')).toBe(1)
    expect(await failure(storage.commit([write('c', 0), write('broken')]))).toMatchObject({ code: 'log_incompatible' })
  })

  test('revisions grow also where Redis lost what it had', async () => {
    const storage = await redis.started()
    const unit: Unit = { write: [{ collection: 'c', id: 'a', value: 'one' }] }
    const revisions: number[] = []
    for (let round = 0; round < 5; round += 1) {
      for (const result of await storage.commit([unit, unit, unit])) {
        if (result.kind === 'committed') revisions.push(...result.revisions)
      }
      await redis.client.flushAll()
    }
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
    expect(revisions).toHaveLength(15)
  })

  test('whose answer is lost rejects with log_timeout; given again it is refused, or its entries are duplicates', async () => {
    const proxy = await TcpProxy.before(redis.server.port)
    onTestFinished(() => proxy.close())
    const storage = await started({ url: `redis://127.0.0.1:${proxy.port}`, timeoutMs: 300 })
    const conditional = await prepared(storage)
    const plain: Unit = { append: { entries: [keyedEntry('order-17')], expected: [{ key: 'order-17', version: 0 }] } }
    proxy.loseAnswers()
    expect(await failure(storage.commit([conditional, plain]))).toMatchObject({ code: 'log_timeout', retryable: true })
    const direct = await redis.started()
    await waitFor(async () => (await direct.log.versionOf('order-17')) === 1)
    proxy.mend()
    const again = await waitFor(() => storage.commit([conditional, plain]))
    expect(again).toMatchObject([
      { kind: 'refused', part: 'acknowledge', reason: 'hold_lost' },
      { kind: 'committed', appended: [{ duplicate: true, version: 1 }] }
    ])
    expect(await direct.log.versionOf('order-17')).toBe(1)
  })
})

const TYPES = ['trading_signal', 'risk_alert', 'system_health'] as const

/** In one stream, and where a unit spans the streams of several types. */
describe.each(['none', 'type'] as const)('a Redis that is killed during commits, partitioning %s', (partitioning) => {
  test('has each unit whole or not at all when it is there again, and each that was confirmed', async () => {
    const redis = await server({ appendonly: 'yes', appendfsync: 'always' })
    const storage = await started({ url: redis.url, partitioning, timeoutMs: 2_000 })
    await storage.cursors.create('follower', 'start')
    let given = 0
    let [confirmed, unknown] = [0, 0]
    for (let round = 0; round < 4; round += 1) {
      const units = Array.from({ length: 600 }, () => numbered(++given))
      const calls = Array.from({ length: 60 }, (_, i) => storage.commit(units.slice(10 * i, 10 * i + 10)))
      const settled = Promise.allSettled(calls)
      await calls[5 * round]
      await redis.kill()
      const outcomes = await settled
      await redis.restart()
      await waitFor(() => storage.ping().then(() => true))
      const stored = await wholeUnits(storage, given)
      const first = given - 599
      for (const [i, outcome] of outcomes.entries()) {
        const numbers = Array.from({ length: 10 }, (_, n) => first + 10 * i + n)
        const there = numbers.filter((number) => stored.has(number)).length
        if (outcome.status === 'fulfilled') confirmed += 1
        else unknown += 1
        if (outcome.status === 'fulfilled') expect(there).toBe(10)
        else if (outcome.reason.code === 'log_unavailable') expect(there).toBe(0)
        else expect(outcome.reason.code).toBe('log_timeout')
      }
    }
    expect(Math.min(confirmed, unknown), 'the kills came in the middle').toBeGreaterThan(0)
  })
})

describe.each(['none', 'type'] as const)(
  'a Redis that is killed while units acknowledge, partitioning %s',
  (partitioning) => {
    test('has an entry either pending or done with its effects', async () => {
      const redis = await server({ appendonly: 'yes', appendfsync: 'always' })
      const storage = await started({ url: redis.url, partitioning, timeoutMs: 2_000 })
      const group = storage.queue('group')
      await group.create('start')
      await storage.log.append(Array.from({ length: 600 }, (_, i) => entry('an event', typeAt(i))))
      const deliveries = await group.read('one', { limit: 600, waitMs: 0 })
      const units = deliveries.map(({ messageId, attempt }, i): Unit => {
        const acknowledge = [{ group: 'group', consumer: 'one', messageId, attempt }]
        return { acknowledge, append: { entries: [{ ...entry(messageId, typeAt(i + 1)), streamKey: 'effects' }] } }
      })
      const calls = Array.from({ length: 60 }, (_, i) => storage.commit(units.slice(10 * i, 10 * i + 10)))
      const settled = Promise.allSettled(calls)
      await calls[10]
      await redis.kill()
      await settled
      await redis.restart()
      await waitFor(() => storage.ping().then(() => true))
      const pending = (await group.pending({ limit: 1_000 })).map(({ messageId }) => messageId)
      const effects = (await storage.log.read({ limit: 2_000 })).entries.slice(600).map(({ payload }) => payload)
      expect([...effects, ...pending]).toEqual(deliveries.map(({ messageId }) => messageId))
      expect(await storage.log.versionOf('effects')).toBe(effects.length)
      expect(Math.min(effects.length, pending.length), 'the kill came in the middle').toBeGreaterThan(0)
      // Units that are given again take place once.
      for (let from = 0; from < 600; from += 100) await storage.commit(units.slice(from, from + 100))
      expect((await group.info()).pending).toBe(0)
      expect((await storage.log.read({ limit: 2_000 })).entries.slice(600).map(({ payload }) => payload)).toEqual(
        deliveries.map(({ messageId }) => messageId)
      )
    })
  }
)

function typeAt(i: number): string {
  return TYPES[i % TYPES.length] as string
}

/** A unit that leaves its number in each part, and in the streams of two types. */
function numbered(number: number): Unit {
  return {
    cursors: [{ name: 'follower', to: `${number}-0` }],
    append: { entries: [0, 1].map((i) => ({ ...entry(String(number), typeAt(number + i)), streamKey: 'key' })) },
    write: [
      { collection: 'c', id: String(number), value: 'one' },
      { collection: STEPS, id: String(number), value: 'one' }
    ]
  }
}

/** The numbers of the units that are there. Fails when one is there in part. */
async function wholeUnits(storage: RedisStorage, given: number): Promise<Set<number>> {
  const ids = Array.from({ length: given }, (_, i) => String(i + 1))
  const payloads = (await storage.log.read({ limit: 10_000 })).entries.map(({ payload }) => payload)
  const [lasting, expiring] = [await storage.collections.get('c', ids), await storage.collections.get(STEPS, ids)]
  const there = ids.filter((_, i) => lasting[i] !== undefined)
  expect(ids.filter((_, i) => expiring[i] !== undefined)).toEqual(there)
  expect(payloads).toEqual(there.flatMap((id) => [id, id]))
  expect(await storage.collections.count('c')).toBe(there.length)
  expect(await storage.log.versionOf('key')).toBe(payloads.length)
  expect((await storage.cursors.get('follower'))?.position).toBe(`${there.at(-1)}-0`)
  return new Set(there.map(Number))
}

/** Fails unless all that a unit writes is there. */
async function isWhole(storage: RedisStorage, unit: Unit): Promise<void> {
  const { cursors = [], append, write = [] } = unit
  await isWholeIn(storage.queue('group'), unit)
  for (const { name, to } of cursors) expect((await storage.cursors.get(name))?.position).toBe(to)
  const entries = append?.entries ?? []
  const payloads = (await storage.log.read({ limit: 100 })).entries.map(({ payload }) => payload)
  expect(payloads.slice(4)).toEqual(entries.map(({ payload }) => payload))
  expect(await storage.log.versionOf('account-7')).toBe(
    1 + entries.filter(({ streamKey }) => streamKey !== undefined).length
  )
  for (const { collection, id, value } of write) {
    const [document] = await storage.collections.get(collection, [id])
    expect(document?.value ?? null).toBe(value)
    if (typeof collection === 'string')
      expect(await storage.collections.count(collection, id)).toBe(value === null ? 0 : 1)
  }
}

async function isWholeIn(group: WorkQueue, { acknowledge = [], attach = [], requeue = [] }: Unit): Promise<void> {
  const pending = new Map((await group.pending({ limit: 10 })).map((one) => [one.messageId, one]))
  for (const { messageId } of acknowledge) expect(pending.get(messageId)).toBeUndefined()
  for (const { messageId, text } of attach) expect(pending.get(messageId)?.attachment).toBe(text)
  for (const { messageId, attachment } of requeue) {
    expect(pending.get(messageId)).toMatchObject({ consumer: '', deliveries: 0 })
    expect(pending.get(messageId)?.attachment).toBe(attachment)
  }
}

async function usedMemory(client: Client): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
}

/** How often scripts were run. */
async function scriptCalls(client: Client): Promise<number> {
  const stats = await client.info('commandstats')
  return [...stats.matchAll(/cmdstat_evalsha?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
}
