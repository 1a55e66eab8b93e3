import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AppendEntry, Delivery, Unit } from '../../src/log/port.ts'
import { Connection } from '../../src/log/redis/connection.ts'
import type { RedisStorage } from '../../src/log/redis/index.ts'
import { redisInTest } from './redis-in-test.ts'

const NOW = { limit: 10_000, waitMs: 0 }

describe('a group of Redis', () => {
  const redis = redisInTest()
  const { started } = redis

  let ids = 0
  const entries = (count: number): AppendEntry[] =>
    Array.from({ length: count }, () => {
      ids += 1
      return { eventId: `event-${ids}`, eventType: 'trading_signal', payload: `payload ${ids}` }
    })

  /** A group that has handed out so many new entries to `one`. */
  async function handedOut(storage: RedisStorage, count: number) {
    await storage.log.append(entries(count))
    const group = storage.queue('group')
    await group.create('start')
    return { group, deliveries: await group.read('one', NOW) }
  }

  const idsOf = (list: readonly { messageId: string }[]) => list.map(({ messageId }) => messageId)
  const holdOf = ({ messageId, attempt }: Delivery) => ({ group: 'group', consumer: 'one', messageId, attempt })
  const attaching = ({ messageId, attempt }: Delivery): Unit => ({
    attach: [{ group: 'group', messageId, text: `of ${messageId}`, if: { consumer: 'one', attempt } }]
  })

  test('acknowledges large batches in any order, among what it holds besides, and says which holds were lost', async () => {
    const { group, deliveries } = await handedOut(await started(), 5_000)
    const other = await group.claim('other', { minIdleMs: 0, limit: 100 })
    const [, ...claimedBack] = await group.claim('one', { minIdleMs: 0, limit: 50, heldBy: 'other' })
    const every3rd = deliveries.filter((_, i) => i % 3 === 0).toReversed()
    const stale = deliveries.slice(200, 300).map((delivery) => ({ ...delivery, attempt: 2 }))
    expect(await group.acknowledge('one', stale), 'in log order, of another attempt').toEqual(idsOf(stale))
    const lost = await group.acknowledge('one', every3rd)
    expect(new Set(lost)).toEqual(new Set(idsOf(other.filter((_, i) => i % 3 === 0))))
    expect(await group.acknowledge('one', claimedBack)).toEqual([])
    expect((await group.info()).pending).toBe(5_000 - (every3rd.length - lost.length) - claimedBack.length)
    expect(
      await group.acknowledge(
        'one',
        deliveries.slice(100).filter((_, i) => (i + 100) % 3 !== 0)
      )
    ).toEqual([])
    expect((await group.info()).pending).toBe(51)
  })

  test('keeps attachments no longer than the entry is pending, whichever way it ends', async () => {
    const storage = await started()
    const { group, deliveries } = await handedOut(storage, 4)
    const attached = async (delivery: Delivery) => {
      expect(await storage.commit([attaching(delivery)])).toMatchObject([{ kind: 'committed' }])
      expect(await redis.client.hLen('tradpal_events:group:group:attachments')).toBe(1)
      expect((await group.info()).retrying).toBe(1)
    }
    const isForgotten = async () => expect(await redis.client.exists('tradpal_events:group:group:attachments')).toBe(0)
    const [first, second, third, fourth] = deliveries as [Delivery, Delivery, Delivery, Delivery]

    await attached(first)
    await group.acknowledge('one', [first])
    await isForgotten()
    await attached(second)
    await storage.commit([{ acknowledge: [holdOf(second)] }])
    await isForgotten()
    await attached(third)
    await storage.log.remove([third.messageId], { force: true })
    expect(await group.claim('one', { minIdleMs: 0, limit: 10, after: second.messageId })).toMatchObject([
      { messageId: fourth.messageId, attempt: 2 }
    ])
    await isForgotten()
    const requeued = second.messageId
    await storage.commit([{ requeue: [{ group: 'group', messageId: requeued, attachment: 'a text' }] }])
    await storage.commit([{ requeue: [{ group: 'group', messageId: requeued }] }])
    await isForgotten()
    await storage.commit([{ requeue: [{ group: 'group', messageId: requeued, attachment: 'a text' }] }])
    await group.destroy()
    await isForgotten()
    await redis.client.hSet(
      'tradpal_events:group:group:attachments',
      requeued,
      'of a group that was dropped past the log'
    )
    await group.create('start')
    await isForgotten()
  })

  test('that was moved back hands out once more what is pending, with the attachment that it keeps', async () => {
    const storage = await started()
    const { group, deliveries } = await handedOut(storage, 2)
    const [first, second] = deliveries as [Delivery, Delivery]
    await storage.commit([attaching(first)])
    await group.seek('start')
    expect(await group.read('two', NOW)).toEqual([{ ...first, attachment: `of ${first.messageId}` }, second])
  })

  test('acknowledges with a full memory', async () => {
    const storage = await started()
    const { group, deliveries } = await handedOut(storage, 2)
    await storage.commit([attaching(deliveries[0] as Delivery)])
    await redis.client.configSet('maxmemory', '1')
    try {
      expect(await group.acknowledge('one', deliveries)).toEqual([])
    } finally {
      await redis.client.configSet('maxmemory', '0')
    }
    expect(await group.info()).toMatchObject({ pending: 0, retrying: 0 })
  })

  test('acknowledges and appends 2,500 entries of a handler in one unit, each once', async () => {
    const storage = await started()
    const { group, deliveries } = await handedOut(storage, 1)
    const published = entries(2_500)
    const [first] = await storage.log.append(published.slice(0, 1))
    const hold = holdOf(deliveries[0] as Delivery)
    const append = { entries: published }
    expect(await storage.commit([{ acknowledge: [{ ...hold, attempt: 2 }], append }])).toMatchObject([
      { kind: 'refused' }
    ])
    expect((await storage.log.info()).length).toBe(2)
    const [result] = await storage.commit([{ acknowledge: [hold], append }])
    const appended = result?.kind === 'committed' ? result.appended : []
    expect(appended.filter(({ duplicate }) => duplicate)).toEqual([{ messageId: first?.messageId, duplicate: true }])
    expect((await storage.log.info()).length).toBe(1 + 2_500)
    expect((await storage.log.append(published)).every(({ duplicate }) => duplicate)).toBe(true)
    expect((await group.info()).pending).toBe(0)
  })

  test('that holds an entry has acknowledged everything up to the id before it, whatever 64-bit numbers are its parts', async () => {
    const storage = await started()
    for (const [id, before] of [
      ['0-1', '0-0'],
      ['7-0', '6-18446744073709551615'],
      ['7-9007199254740994', '7-9007199254740993'],
      ['9007199254740994-0', '9007199254740993-18446744073709551615']
    ] as const) {
      const group = storage.queue(id)
      await redis.client.xAdd('tradpal_events', id, { event: 'an event' })
      await group.create({ after: before })
      expect((await group.info()).acknowledgedTo).toBe(before)
      expect(idsOf(await group.read('one', NOW))).toEqual([id])
      expect((await group.info()).acknowledgedTo).toBe(before)
    }
  })

  test('that is dropped between the calls that ask how it stands is not there: nothing says that all is acknowledged', async () => {
    const storage = await started()
    const { group } = await handedOut(storage, 3)
    const { read } = Connection.prototype
    const reading = vi.spyOn(Connection.prototype, 'read').mockImplementation(async function (
      this: Connection,
      command
    ) {
      if (command[0] === 'XPENDING') await redis.client.xGroupDestroy('tradpal_events', 'group')
      return read.call(this, command)
    })
    onTestFinished(() => reading.mockRestore())
    await expect(group.info()).rejects.toMatchObject({ code: 'not_found' })
    expect(reading.mock.calls.map(([[name]]) => name)).toContain('XPENDING')
  })

  test('that reads on between the calls that ask how it stands: what it has not acknowledged stands behind acknowledgedTo', async () => {
    const storage = await started()
    const { group, deliveries } = await handedOut(storage, 1)
    const [later] = await storage.log.append(entries(1))
    const { read } = Connection.prototype
    const reading = vi.spyOn(Connection.prototype, 'read').mockImplementation(async function (
      this: Connection,
      command
    ) {
      if (command[0] === 'XPENDING') {
        await group.read('one', NOW)
        await group.acknowledge('one', deliveries)
      }
      return read.call(this, command)
    })
    onTestFinished(() => reading.mockRestore())
    const { acknowledgedTo } = await group.info()
    expect((await storage.log.read({ from: { after: acknowledgedTo }, limit: 10 })).entries).toMatchObject([
      { messageId: later?.messageId }
    ])
  })

  test('that is gone: every call says so, and changes nothing', async () => {
    const storage = await started()
    const { group, deliveries } = await handedOut(storage, 2)
    await redis.client.xGroupDestroy('tradpal_events', 'group')
    const keys = await redis.client.keys('*')
    for (const call of [
      () => group.read('one', { limit: 1, waitMs: 1_000 }),
      () => group.acknowledge('one', deliveries),
      () => group.pending({ limit: 1 }),
      () => group.claim('one', { minIdleMs: 0, limit: 1 }),
      () => group.extend('one', deliveries),
      () => group.release('one', deliveries, { delayMs: 10 }),
      () => group.seek('start'),
      () => group.removeConsumer('one'),
      () => group.info()
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(new Set(await redis.client.keys('*'))).toEqual(new Set(keys))
    const acknowledge = deliveries.slice(0, 1).map(holdOf)
    const unit = { acknowledge, append: { entries: entries(1) } }
    expect(await storage.commit([unit])).toMatchObject([{ kind: 'refused', reason: 'hold_lost' }])
    expect((await storage.log.info()).length).toBe(2)
  })

  test('hands out what was released with a delay when it is due, to any, and not before, and XINFO shows no stranger after', async () => {
    const { group, deliveries } = await handedOut(await started(), 4)
    const [first, second, third] = deliveries as [Delivery, Delivery, Delivery]
    expect(await group.release('two', [first])).toEqual([first.messageId])
    expect(await group.release('one', [first, second], { delayMs: 150 })).toEqual([])
    expect(await group.release('one', [third])).toEqual([])
    const rows = await group.pending({ limit: 10 })
    expect(rows.map(({ consumer, deliveries: times }) => [consumer, times])).toEqual([
      ['', 1],
      ['', 1],
      ['', 0],
      ['one', 1]
    ])
    expect(rows.every(({ idleMs }) => idleMs < 60_000)).toBe(true)
    expect(await group.claim('two', { minIdleMs: 0, limit: 10, heldBy: 'two' })).toEqual([])
    expect(await group.claim('two', { minIdleMs: 60_000, limit: 10 })).toEqual([third])
    const early = await group.claim('two', { minIdleMs: 0, limit: 10 })
    expect(early.map(({ messageId, attempt }) => [messageId, attempt])).toEqual([
      [third.messageId, 2],
      [deliveries[3]?.messageId, 2]
    ])
    await expect.poll(() => group.claim('two', { minIdleMs: 60_000, limit: 1 })).toEqual([{ ...first, attempt: 2 }])
    const after = { minIdleMs: 60_000, limit: 10, after: second.messageId }
    expect(await group.claim('two', after)).toEqual([])
    expect(await group.claim('two', { minIdleMs: 60_000, limit: 10 })).toEqual([{ ...second, attempt: 2 }])
    const consumers = await redis.client.xInfoConsumers('tradpal_events', 'group')
    expect(consumers.map(({ name }) => name)).toEqual(['one', 'two'])
    expect(await redis.client.keys('tradpal_events:group:*')).toEqual([])
  })

  test('a claim goes on behind full pages of what it may not take, in log order', async () => {
    const { group, deliveries } = await handedOut(await started(), 3_000)
    const delayed = deliveries.filter((_, i) => i % 3 === 0)
    const released = deliveries.filter((_, i) => i % 3 === 1)
    await group.release('one', delayed, { delayMs: 60_000 })
    await group.release('one', released)
    const options = { minIdleMs: 60_000, limit: 700 }
    expect(idsOf(await group.claim('two', options))).toEqual(idsOf(released.slice(0, 700)))
    const rest = idsOf(deliveries.filter((_, i) => i % 3 !== 0))
    expect(idsOf(await group.claim('three', { minIdleMs: 0, limit: 5_000 }))).toEqual(rest)
  })

  test('refuses the names that it uses for consumers itself', async () => {
    const { group } = await handedOut(await started(), 1)
    for (const name of ['', '(requeued)', '(delayed)']) {
      await expect(group.read(name, NOW)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })
})
