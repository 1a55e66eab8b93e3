import { describe, expect, test } from 'vitest'
import type { AppendEntry, Delivery, LedgerEntry, Settlement } from '../../src/log/port.ts'
import type { RedisLog } from '../../src/log/redis/index.ts'
import { redisInTest } from './redis-in-test.ts'

const NOW = { limit: 10_000, waitMs: 0 }
const ERROR = { message: 'No.', at: 1 }

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
  async function handedOut(log: RedisLog, count: number) {
    await log.append(entries(count))
    const group = log.group('group')
    await group.create('start')
    return { group, deliveries: await group.read('one', NOW) }
  }

  type Six = [Delivery, Delivery, Delivery, Delivery, Delivery, Delivery]
  const idsOf = (list: readonly { messageId: string }[]) => list.map(({ messageId }) => messageId)
  const done = ({ messageId, attempt }: Delivery): Settlement => ({ messageId, attempt, outcome: { kind: 'done' } })
  const dead = ({ messageId, attempt }: Delivery): Settlement => {
    const letter = { consumer: 'one', handler: 'handle', eventType: null, payload: null, attempts: attempt }
    const errors = { firstError: ERROR, lastError: ERROR }
    return { messageId, attempt, outcome: { kind: 'dead', letter: { ...letter, ...errors, kind: 'exhausted' } } }
  }

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

  test('keeps notes and amended payloads no longer than the entry is pending', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 3)
    const [first, second, third] = deliveries as [Delivery, Delivery, Delivery]
    const retry = { kind: 'retry', note: 'a note' } as const
    await group.settle(
      'one',
      deliveries.map(({ messageId, attempt }) => ({ messageId, attempt, outcome: retry }))
    )
    expect((await group.info()).retrying).toBe(3)
    await group.settle('one', [dead(first)])
    await group.acknowledge('one', [second])
    await log.remove([third.messageId], { force: true })
    expect(await group.claim('two', { minIdleMs: 0, limit: 10 })).toEqual([])
    expect((await group.info()).retrying).toBe(0)
    const [letter] = await log.deadLetters.list({ limit: 1 })
    await log.deadLetters.requeue(letter?.id ?? '', { by: 'ada', payload: 'amended' })
    const claimed = await group.claim('two', { minIdleMs: 60_000, limit: 1 })
    expect(claimed).toEqual([{ ...first, payload: 'amended', attempt: 1 }])
    await group.settle('two', claimed.map(done))
    expect(await redis.client.keys('tradpal_events:group:*')).toEqual(['tradpal_events:group:group:place'])
  })

  test('keeps attachments no longer than the entry is pending, whichever way it ends', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 6)
    const attached = async (...some: readonly Delivery[]) => {
      const attach = some.map(({ messageId, attempt }) => ({
        group: 'group',
        messageId,
        text: `of ${messageId}`,
        if: { consumer: 'one', attempt }
      }))
      expect(await log.commit([{ attach }])).toMatchObject([{ kind: 'committed' }])
      expect(await redis.client.hLen('tradpal_events:group:group:attachments')).toBe(some.length)
    }
    const isForgotten = async () => expect(await redis.client.exists('tradpal_events:group:group:attachments')).toBe(0)
    const [first, second, third, fourth, fifth, sixth] = deliveries as Six

    await attached(first)
    await group.acknowledge('one', [first])
    await isForgotten()
    await attached(second, third)
    await group.settle('one', [done(second), dead(third)])
    await isForgotten()
    const [letter] = await log.deadLetters.list({ limit: 1 })
    await attached(fourth)
    await log.commit([{ acknowledge: [{ group: 'group', consumer: 'one', ...fourth }] }])
    await isForgotten()
    await attached(fifth)
    await log.remove([fifth.messageId], { force: true })
    expect(await group.claim('one', { minIdleMs: 0, limit: 10, after: fourth.messageId })).toMatchObject([
      { messageId: sixth.messageId, attempt: 2 }
    ])
    await isForgotten()
    const requeued = third.messageId
    await log.commit([{ requeue: [{ group: 'group', messageId: requeued, attachment: 'a text' }] }])
    await log.deadLetters.requeue(letter?.id ?? '', { by: 'ada' })
    await isForgotten()
    await log.commit([{ requeue: [{ group: 'group', messageId: requeued, attachment: 'a text' }] }])
    await log.commit([{ requeue: [{ group: 'group', messageId: requeued }] }])
    await isForgotten()
    await log.commit([{ requeue: [{ group: 'group', messageId: requeued, attachment: 'a text' }] }])
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

  test('that shares by key hands out what was requeued with its attachment', async () => {
    const log = await started()
    await log.append(entries(1))
    const group = log.group('group')
    await group.create('start')
    const member = group.sharded('one', { shards: 1, leaseMs: 60_000, shardOf: () => 0 })
    await member.renew()
    const [delivery] = await member.read({ limit: 1, waitMs: 5_000 })
    await member.acknowledge(delivery === undefined ? [] : [delivery])
    const requeue = [{ group: 'group', messageId: delivery?.messageId ?? '', attachment: 'a text' }]
    await log.commit([{ requeue }])
    expect(await redis.client.xLen('tradpal_events:group:group:routed'), 'members that wait are told').toBe(1)
    const requeued = await member.read({ limit: 1, waitMs: 10_000 })
    expect(requeued).toMatchObject([{ messageId: delivery?.messageId, attempt: 1, attachment: 'a text' }])
    expect(await member.acknowledge(requeued)).toEqual([])
    expect(await redis.client.exists('tradpal_events:group:group:attachments')).toBe(0)
  })

  test('that was moved back hands out once more what is pending, with the note and the payload that it keeps', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 2)
    const [first, second] = deliveries as [Delivery, Delivery]
    await group.settle('one', [{ ...first, outcome: { kind: 'retry', note: 'a note' } }, dead(second)])
    const [letter] = await log.deadLetters.list({ limit: 1 })
    await log.deadLetters.requeue(letter?.id ?? '', { by: 'ada', payload: 'amended' })
    await group.seek('start')
    expect(await group.read('two', NOW)).toEqual([
      { ...first, note: 'a note' },
      { ...second, payload: 'amended' }
    ])
  })

  test('when the memory is full, settles all of a delivery or nothing', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 2)
    const [first, second] = deliveries as [Delivery, Delivery]
    const effects = [{ eventId: 'event', step: 'publish', append: entries(3) }]
    await redis.client.configSet('maxmemory', '1')
    try {
      for (const settlement of [{ ...done(first), effects }, { ...dead(first), effects }, dead(first)]) {
        await expect(group.settle('one', [settlement])).rejects.toMatchObject({ code: 'log_full' })
        expect((await group.info()).pending).toBe(2)
        expect(await redis.client.xLen('tradpal_events')).toBe(2)
        expect(await redis.client.exists('tradpal_events:dead_letters')).toBe(0)
      }
      expect(await group.acknowledge('one', [second])).toEqual([])
    } finally {
      await redis.client.configSet('maxmemory', '0')
    }
    expect(await group.settle('one', [{ ...done(first), effects }])).toEqual([{ kind: 'settled' }])
    expect(await redis.client.xLen('tradpal_events')).toBe(5)
  })

  test('appends what two settlements of one step publish once, and deduplicates it like any append', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 2)
    const published = entries(2500)
    const [first] = await log.append(published.slice(0, 1))
    const effects = [{ eventId: 'event', step: 'publish', append: published }]
    const lost = { ...done(deliveries[0] as Delivery), attempt: 2, effects }
    expect(await group.settle('one', [lost])).toEqual([{ kind: 'lost' }])
    expect((await log.info()).length).toBe(3)
    const settled = await group.settle(
      'one',
      deliveries.map((delivery) => ({ ...done(delivery), effects }))
    )
    const repeated = [{ entry: published[0], messageId: first?.messageId }]
    expect(settled).toEqual([{ kind: 'settled', repeated }, { kind: 'settled' }])
    expect((await log.info()).length).toBe(2 + 2500)
    expect((await log.append(published)).every(({ duplicate }) => duplicate)).toBe(true)
  })

  test('remembers for its retention, and for at most twice as long', async () => {
    const ledgerRetentionMs = 300
    const group = (await started({ ledgerRetentionMs })).group('group')
    for (let round = 0; round < 6; round += 1) {
      const entry: LedgerEntry = { eventId: `event-${round}`, step: 'a "step"', value: 'größe' }
      await group.ledger.write([entry])
      const writtenAt = performance.now()
      const [key = ''] = await redis.client.keys('*ledger*')
      expect(await redis.client.pTTL(key)).toBeLessThanOrEqual(2 * ledgerRetentionMs)
      expect(await group.ledger.begin(entry.eventId, entry.step)).toEqual(entry)
      await expect.poll(() => group.ledger.read([entry.eventId]), { interval: 5, timeout: 30_000 }).toEqual([])
      expect(performance.now() - writtenAt).toBeGreaterThanOrEqual(ledgerRetentionMs - 1)
      await new Promise((resolve) => setTimeout(resolve, 37))
    }
    expect(await redis.client.keys('*')).toEqual([])
  })

  test('is restored behind what it had done, and no further than the log goes after it lost its end', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 5)
    await group.acknowledge('one', [deliveries[0], deliveries[1], deliveries[3]] as Delivery[])
    await group.keepPlace()
    await redis.client.xGroupDestroy('tradpal_events', 'group')
    await expect(group.keepPlace()).rejects.toMatchObject({ code: 'not_found' })
    expect(await group.restore('end')).toBe(true)
    expect(await group.restore('end')).toBe(false)
    expect(await group.read('one', NOW)).toEqual(deliveries.slice(2))
    await redis.client.set('tradpal_events:group:group:place', '99999999999999-0')
    await redis.client.xGroupDestroy('tradpal_events', 'group')
    await group.restore('start')
    const later = await log.append(entries(1))
    expect(idsOf(await group.read('one', NOW))).toEqual(idsOf(later))
  })

  test('that is gone: every call says so, and changes nothing', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 2)
    await redis.client.xGroupDestroy('tradpal_events', 'group')
    const keys = await redis.client.keys('*')
    for (const call of [
      () => group.read('one', { limit: 1, waitMs: 1_000 }),
      () => group.acknowledge('one', deliveries),
      () => group.settle('one', deliveries.map(dead)),
      () => group.pending({ limit: 1 }),
      () => group.claim('one', { minIdleMs: 0, limit: 1 }),
      () => group.extend('one', deliveries),
      () => group.release('one', deliveries, { delayMs: 10 }),
      () => group.seek('start'),
      () => group.keepPlace(),
      () => group.removeConsumer('one'),
      () => group.info(),
      () => group.sharded('one', { shards: 1, leaseMs: 1_000, shardOf: () => 0 }).renew()
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(new Set(await redis.client.keys('*'))).toEqual(new Set(keys))
    expect(await log.deadLetters.count({})).toBe(0)
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
    expect(await redis.client.keys('tradpal_events:group:*')).toEqual(['tradpal_events:group:group:place'])
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

  test('a letter whose group or entry is gone stays, and nothing is recorded of the try to requeue it', async () => {
    const log = await started()
    const { group, deliveries } = await handedOut(log, 2)
    await group.settle('one', deliveries.map(dead))
    const [letter, other] = await log.deadLetters.list({
      limit: 10,
      group: 'group',
      since: 1,
      until: Date.now() + 1_000
    })
    await log.remove(idsOf(deliveries).slice(1))
    const requeue = (id = '') => log.deadLetters.requeue(id, { by: 'ada' })
    await expect(requeue(other?.id)).rejects.toMatchObject({ code: 'entry_trimmed' })
    await group.destroy()
    for (const id of [letter?.id, '1-1', 'x']) await expect(requeue(id)).rejects.toMatchObject({ code: 'not_found' })
    expect(await log.deadLetters.list({ limit: 10 })).toEqual([letter, other])
    expect(await log.deadLetters.list({ limit: 10, since: (other?.deadAt ?? 0) + 1 })).toEqual([])
    expect(await log.deadLetters.actions({ limit: 10 })).toEqual([])
    await log.deadLetters.discard(letter?.id ?? '', { by: 'ada', reason: 'It is old.' })
    expect(await log.deadLetters.actions({ limit: 10 })).toMatchObject([
      { action: 'discard', by: 'ada', reason: 'It is old.', amended: false, letter }
    ])
  })

  test('refuses the names that it uses for consumers itself', async () => {
    const { group } = await handedOut(await started(), 1)
    for (const name of ['', '(requeued)', '(delayed)', '(shard-0)']) {
      await expect(group.read(name, NOW)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })
})
