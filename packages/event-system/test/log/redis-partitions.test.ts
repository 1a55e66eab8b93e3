import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AppendEntry, Entry, EventLog, MessageId } from '../../src/log/port.ts'
import { RedisLog } from '../../src/log/redis/index.ts'
import { waitFor } from '../../src/testing/index.ts'
import { redisInTest } from './redis-in-test.ts'

const NOW = { limit: 1_000, waitMs: 0 }
const TYPES = ['market_data_update', 'order_executed', 'risk_alert'] as const
const GREATEST = '18446744073709551615'

let ids = 0
function entry(eventType: string, payload = `${eventType} ${ids}`): AppendEntry {
  return { eventId: `event-${++ids}`, eventType, payload }
}

describe('a log that is partitioned by type', () => {
  const redis = redisInTest()
  const started = (partitioning: 'none' | 'type' = 'type') => redis.started({ partitioning })

  const byHand = (payload: string, id = '*') => redis.client.xAdd('tradpal_events', id, { event: payload })

  async function appended(log: EventLog, ...entries: AppendEntry[]): Promise<MessageId[]> {
    return (await log.append(entries)).map(({ messageId }) => messageId)
  }

  async function payloadsOf(log: EventLog): Promise<(string | null)[]> {
    return (await log.read({ limit: 1_000 })).map(({ payload }) => payload)
  }

  test('each type has a stream of its own, where an event stands under its message id', async () => {
    const log = await started()
    const messageIds = await appended(log, entry('order_executed', 'a'), entry('risk_alert', 'b'))
    expect((await redis.client.keys('*')).map((key) => key.replace(/:[01]$/, ':N')).sort()).toEqual([
      'tradpal_events',
      'tradpal_events:bell',
      'tradpal_events:ids:N',
      'tradpal_events:partitions',
      'tradpal_events:type:order_executed',
      'tradpal_events:type:risk_alert'
    ])
    const inRedis = async (type: string) =>
      (await redis.client.xRange(`tradpal_events:type:${type}`, '-', '+'))?.map(({ id, message }) => [
        id,
        message.event
      ])
    expect(await inRedis('order_executed')).toEqual([[messageIds[0], 'a']])
    expect(await inRedis('risk_alert')).toEqual([[messageIds[1], 'b']])
    expect(await redis.client.xLen('tradpal_events')).toBe(0)
  })

  test('whoever appends, in a partition, in the one stream or by hand, at whatever moment: all see all of it in one order', async () => {
    const writers = ['type', 'none', 'hand'] as const
    const step = fc.record({
      by: fc.constantFrom(...writers),
      types: fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 })
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        await redis.client.flushAll()
        const logs = { type: await started('type'), none: await started('none') }
        const reader = await started('none')
        await reader.group('group').create('start')
        const tail = reader.tail('start', { limit: 3 })[Symbol.asyncIterator]()
        const expected: string[] = []
        const [tailed, resumed, consumed]: [Entry[], Entry[], Entry[]] = [[], [], []]
        for (const { by, types } of steps) {
          const entries = types.map((type) => entry(type))
          if (by === 'hand') for (const { payload } of entries) await byHand(payload)
          else await logs[by].append(entries)
          expected.push(...entries.map(({ payload }) => payload))
          // One who has read up to here goes on from there, though more comes in the same millisecond.
          const after = resumed.at(-1)?.messageId
          resumed.push(...(await reader.read({ ...(after === undefined ? {} : { from: { after } }), limit: 1_000 })))
          consumed.push(...(await reader.group('group').read('one', { limit: 2, waitMs: 0 })))
        }
        while (tailed.length < expected.length) tailed.push(...((await tail.next()).value ?? []))
        consumed.push(...(await reader.group('group').read('one', NOW)))
        const backward = (await reader.read({ direction: 'backward', limit: 1_000 })).reverse()
        for (const seen of [tailed, resumed, consumed, backward]) {
          expect(seen.map(({ payload }) => payload)).toEqual(expected)
        }
        await redis.closeLogs()
      }),
      { numRuns: 40 }
    )
  })

  test.each(['first', 'last'])(
    'whose %s event an earlier version has put on another node is refused with log_incompatible',
    async (which) => {
      const fields = [{ at: '0 1764057600000-0' }, { event: 'an event' }]
      await redis.client.set('tradpal_events:partitions', 'order_executed')
      for (const one of which === 'first' ? fields : fields.reverse()) {
        await redis.client.xAdd('tradpal_events:type:order_executed', '*', one as Record<string, string>)
      }
      const refused = new RedisLog({ url: redis.server.url })
      onTestFinished(() => refused.close())
      await expect(refused.start()).rejects.toMatchObject({
        code: 'log_incompatible',
        message: expect.stringMatching(/EVENT_PARTITION_PLACEMENT=spread.*export the log.*import it/)
      })
    }
  )

  test('turned on over a log with events and groups, it moves nothing: the old come first, and groups go on where they stood', async () => {
    const before = await started('none')
    const old = await appended(before, entry('risk_alert', 'old 1'), entry('risk_alert', 'old 2'))
    const group = before.group('group')
    await group.create('start')
    const [first] = await group.read('one', { limit: 1, waitMs: 0 })
    await before.close()

    const log = await started('type')
    await appended(log, entry('risk_alert', 'new 1'), entry('order_executed', 'new 2'))
    expect(await payloadsOf(log)).toEqual(['old 1', 'old 2', 'new 1', 'new 2'])
    expect(await log.get(old[0] ?? '')).toMatchObject({ payload: 'old 1' })
    const rest = await log.group('group').read('one', NOW)
    expect(rest.map(({ payload }) => payload)).toEqual(['old 2', 'new 1', 'new 2'])
    expect(await log.group('group').acknowledge('one', [...(first === undefined ? [] : [first]), ...rest])).toEqual([])
    expect(await log.info()).toMatchObject({ length: 4, groups: [{ name: 'group', pending: 0, lag: 0 }] })
    expect(await redis.client.xLen('tradpal_events')).toBe(2)
  })

  test('a process that was there before the partitions were reads, tails, consumes both ways and trims them too', async () => {
    const log = await started('none')
    const tail = log.tail('end')[Symbol.asyncIterator]()
    const tailed = tail.next()
    const group = log.group('group')
    await group.create('start')
    const consumed = group.read('one', { limit: 10, waitMs: 10_000 })
    const keyed = log.group('keyed')
    await keyed.create('start')
    const member = keyed.sharded('member', { shards: 1, leaseMs: 10_000, shardOf: () => 0 })
    await member.renew()
    const sharded = member.read({ limit: 10, waitMs: 10_000 })

    await (await started('type')).append([entry('risk_alert', 'a'), entry('order_executed', 'b')])

    expect((await tailed).value).toMatchObject([{ payload: 'a' }, { payload: 'b' }])
    expect(await consumed).toMatchObject([{ payload: 'a' }, { payload: 'b' }])
    const deliveries = await sharded
    expect(deliveries).toMatchObject([{ payload: 'a' }, { payload: 'b' }])
    expect(await member.acknowledge(deliveries)).toEqual([])
    expect(await payloadsOf(log)).toEqual(['a', 'b'])
    expect(await log.trim({ maxLength: 1 })).toMatchObject({ removed: 0, guarded: true })
    expect(await log.trim({ maxLength: 1 }, { force: true })).toMatchObject({ removed: 1, lostByGroup: { group: 1 } })
    expect(await payloadsOf(log)).toEqual(['b'])
    await member.leave()
  })

  test('a query of some types reads their streams and the one that may hold them from before, and no other', async () => {
    const log = await started()
    await appended(log, ...TYPES.flatMap((type) => [entry(type), entry(type)]))
    await redis.client.sendCommand(['CONFIG', 'RESETSTAT'])
    expect(await log.read({ eventTypes: ['risk_alert', 'never_published'], limit: 10 })).toHaveLength(2)
    const [, calls] = /cmdstat_xrange:calls=(\d+)/.exec(await redis.client.info('commandstats')) ?? []
    expect(Number(calls)).toBe(2)
  })

  test('a batch over several types is appended whole or not at all', async () => {
    const log = await started()
    await appended(log, entry('risk_alert'))
    await redis.client.set('tradpal_events:type:order_executed', 'no stream')
    const batch = [entry('risk_alert'), entry('order_executed')]
    await expect(log.append(batch)).rejects.toMatchObject({ code: 'log_incompatible' })
    expect(await redis.client.xLen('tradpal_events:type:risk_alert')).toBe(1)
    await redis.client.del('tradpal_events:type:order_executed')
    expect((await log.append(batch)).map(({ duplicate }) => duplicate)).toEqual([false, false])
  })

  test('what a handler publishes goes to the streams of its types, in one step with the acknowledgement, once', async () => {
    const log = await started()
    await appended(log, entry('market_data_update', 'cause'))
    const group = log.group('group')
    await group.create('start')
    const [cause] = await group.read('one', NOW)
    const effects = [{ eventId: 'cause', step: 'publish', append: [entry('order_executed', 'effect')] }]
    const settlement = { ...(cause as NonNullable<typeof cause>), outcome: { kind: 'done' }, effects } as const
    expect(await group.settle('one', [settlement])).toEqual([{ kind: 'settled' }])
    expect(await group.settle('one', [settlement])).toEqual([{ kind: 'lost' }])
    expect(await redis.client.xLen('tradpal_events:type:order_executed')).toBe(1)
    expect((await group.read('one', NOW)).map(({ payload }) => payload)).toEqual(['effect'])
  })

  test('of several processes that make partitions at the same moment, each finds those of the others', async () => {
    const logs = await Promise.all(Array.from({ length: 6 }, () => started()))
    const types = Array.from({ length: 30 }, (_, i) => `type_${i}`)
    const appends = logs.flatMap((log, by) => types.map((type) => log.append([entry(type, `${type} by ${by}`)])))
    const messageIds = (await Promise.all(appends)).flat().map(({ messageId }) => messageId)
    expect(new Set(messageIds).size).toBe(180)
    expect((await redis.client.get('tradpal_events:partitions'))?.split('\n').sort()).toEqual(types.toSorted())
    for (const log of logs) expect((await log.read({ limit: 1_000 })).length).toBe(180)
  })

  test('after a FLUSHALL nothing that is appended is overlooked, by whoever knew other partitions', async () => {
    const [one, two] = [await started(), await started()]
    await appended(one, entry('risk_alert'), entry('order_executed'))
    await payloadsOf(two)
    await redis.client.flushAll()
    await appended(two, entry('order_executed', 'a'))
    await appended(one, entry('risk_alert', 'b'), entry('order_executed', 'c'))
    for (const log of [one, two]) expect(await payloadsOf(log)).toEqual(['a', 'b', 'c'])
  })

  test('ids go on growing when the bell is lost, and behind an entry from the future that somebody added by hand', async () => {
    const log = await started()
    const before = await appended(log, entry('risk_alert'), entry('risk_alert'))
    await redis.client.del('tradpal_events:bell')
    const after = await appended(log, entry('risk_alert'), entry('order_executed'))
    const future = `${Date.now() + 60_000}-7`
    await byHand('from the future', future)
    const behind = await appended(log, entry('order_executed'), entry('risk_alert'))
    const farther = await byHand('behind them')
    const all = [...before, ...after, future, ...behind, farther]
    expect(all.toSorted(log.compare.bind(log))).toEqual(all)
    expect((await log.read({ limit: 100 })).map(({ messageId }) => messageId)).toEqual(all)
    // An id that no sequence of ours has, in the last millisecond that Redis knows of.
    await byHand('with an id of its own', `${Date.now() + 120_000}-${GREATEST}`)
    const [last] = await appended(log, entry('risk_alert', 'last'))
    expect((await log.read({ direction: 'backward', limit: 1 }))[0]?.messageId).toBe(last)
  })

  test('turned off again, what is appended goes to the one stream, and what stands in partitions is read on', async () => {
    await appended(await started('type'), entry('risk_alert', 'a'))
    const log = await started('none')
    await appended(log, entry('risk_alert', 'b'))
    expect(await redis.client.xLen('tradpal_events')).toBe(1)
    expect(await payloadsOf(log)).toEqual(['a', 'b'])
    expect(await log.read({ eventTypes: ['risk_alert'], limit: 10 })).toHaveLength(2)
  })

  test('a group that somebody deleted in one of the streams, or in all of them but one, is whole again when it is made', async () => {
    const log = await started()
    await appended(log, entry('risk_alert', 'a'), entry('order_executed', 'b'))
    const group = log.group('group')
    await group.create('start')
    const deliveries = await group.read('one', NOW)
    await redis.client.xGroupDestroy('tradpal_events:type:risk_alert', 'group')
    await expect(group.read('one', NOW)).rejects.toMatchObject({ code: 'not_found' })
    expect(await group.create('start'), 'it exists').toBe(false)
    expect((await group.read('one', NOW)).map(({ payload }) => payload)).toEqual(['a'])
    expect(await group.acknowledge('one', deliveries.slice(1))).toEqual([])
    await redis.client.xGroupDestroy('tradpal_events', 'group')
    expect(await group.create('end')).toBe(true)
    expect(await group.pending({ limit: 10 }), 'nothing is left of the one before').toEqual([])
    await appended(log, entry('order_executed', 'c'))
    await waitFor(async () => (await group.read('one', NOW)).some(({ payload }) => payload === 'c'))
  })

  test('a type whose name a key could trip over has a partition like all others, and beyond 1,023 there is none', async () => {
    const log = await started()
    const names = ['a b', 'a\nb', 'ä:*', '{x}', 'market_data_update']
    await appended(log, ...names.map((name) => entry(name)))
    expect((await redis.client.get('tradpal_events:partitions'))?.split('\n')).toHaveLength(names.length)
    for (const name of names) expect(await log.read({ eventTypes: [name], limit: 10 })).toHaveLength(1)
    const many = Array.from({ length: 1_023 - names.length }, (_, i) => entry(`type_${i}`))
    await appended(log, ...many)
    await expect(log.append([entry('one_too_many')])).rejects.toMatchObject({ code: 'invalid_argument' })
    expect((await log.info()).length).toBe(1_023)
  })
})
