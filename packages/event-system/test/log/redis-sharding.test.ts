import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ShardDelivery, ShardMember } from '../../src/log/port.ts'
import type { RedisLog } from '../../src/log/redis/index.ts'
import { redisInTest } from './redis-in-test.ts'

const NOW = { limit: 1_000, waitMs: 0 }
const SHARDS = 4

/** An entry's payload is its key and its number; its key is its shard. */
function shardOf({ payload }: { payload: string | null }): number {
  return Number(payload?.split(' ')[0]) % SHARDS
}

describe('a group of Redis that is cut into shards', () => {
  const redis = redisInTest()
  const { started } = redis

  let numbers = 0
  async function append(log: RedisLog, count: number, keys = 8): Promise<string[]> {
    const entries = Array.from({ length: count }, () => {
      numbers += 1
      return { eventId: `event-${numbers}`, eventType: 'trading_signal', payload: `${numbers % keys} ${numbers}` }
    })
    return (await log.append(entries)).map(({ messageId }) => messageId)
  }

  const memberOf = (log: RedisLog, name: string, leaseMs = 60_000) =>
    log.group('group').sharded(name, { shards: SHARDS, leaseMs, shardOf })

  /** Members that have their shares. */
  async function joined(...members: ShardMember[]): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      for (const member of members) await member.giveUp((await member.renew()).surplus)
    }
    for (const member of members) expect((await member.renew()).surplus).toEqual([])
  }

  const idsOf = (deliveries: readonly { messageId: string }[]) => deliveries.map(({ messageId }) => messageId)

  async function groupInRedis() {
    const [info] = await redis.client.xInfoGroups('tradpal_events')
    return info as unknown as { lag: number | null; 'entries-read': number | null; 'last-delivered-id': string }
  }

  test('shows the truth in XINFO GROUPS: entries read, lag and last delivered id, from the start or the middle', async () => {
    const log = await started()
    for (const behind of [0, 100]) {
      await redis.client.flushAll()
      const ids = await append(log, 1_200)
      const group = log.group('group')
      await group.create(behind === 0 ? 'start' : { after: ids[behind - 1] ?? '' })
      const member = memberOf(log, 'one')
      await member.renew()
      let handedOut = behind
      while (handedOut < 1_200) {
        handedOut += (await member.read({ limit: 100, waitMs: 0 })).length
        // A page ahead is routed meanwhile: each answer is true of its own moment.
        const inRedis = await groupInRedis()
        const info = await group.info()
        const routed = ids.indexOf(inRedis['last-delivered-id']) + 1
        expect(routed).toBeGreaterThanOrEqual(handedOut)
        expect(info.lag).toBe(1_199 - ids.indexOf(info.lastDeliveredId))
        if (behind === 0) expect(inRedis.lag).toBe(1_200 - routed)
      }
      expect(await groupInRedis()).toMatchObject({ lag: 0, 'entries-read': 1_200 })
      await append(log, 3)
      expect((await groupInRedis()).lag).toBe(3)
    }
  })

  test('shows an exact lag after entries were removed ahead of it', async () => {
    const log = await started()
    const ids = await append(log, 20)
    const group = log.group('group')
    await group.create('start')
    await log.remove(ids.slice(5, 10), { force: true })
    const member = memberOf(log, 'one')
    await member.renew()
    expect(idsOf(await member.read(NOW))).toEqual([...ids.slice(0, 5), ...ids.slice(10)])
    expect((await group.info()).lag).toBe(0)
    const later = await append(log, 4)
    expect((await group.info()).lag).toBe(4)
    expect(idsOf(await member.read(NOW))).toEqual(later)
    expect(await groupInRedis()).toMatchObject({ lag: 0, 'last-delivered-id': later.at(-1) })
  })

  test('members that route at the same moment hand each entry to its shard once', async () => {
    const logs = await Promise.all([started(), started(), started()])
    const first = logs[0] as RedisLog
    await first.group('group').create('start')
    const members = logs.map((log, i) => memberOf(log, `member-${i}`))
    await joined(...members)
    const ids = await append(first, 3_000)
    const seen = await Promise.all(
      members.map(async (member) => {
        const deliveries: ShardDelivery[] = []
        for (let empty = 0; empty < 3; ) {
          const some = await member.read({ limit: 50, waitMs: 100 })
          empty = some.length === 0 ? empty + 1 : 0
          deliveries.push(...some)
          expect(await member.acknowledge(some)).toEqual([])
        }
        return deliveries
      })
    )
    expect(seen.flat().map(({ messageId }) => messageId)).toHaveLength(3_000)
    expect(new Set(idsOf(seen.flat()))).toEqual(new Set(ids))
    for (const deliveries of seen) {
      for (let shard = 0; shard < SHARDS; shard += 1) {
        const ofShard = idsOf(deliveries.filter((one) => one.shard === shard))
        expect(ofShard).toEqual(ofShard.toSorted(first.compare.bind(first)))
      }
    }
    expect(seen.flat().every(({ attempt }) => attempt === 1)).toBe(true)
    expect((await first.group('group').info()).pending).toBe(0)
  })

  test('a member that waits has what another one routes within a few ms', async () => {
    const logs = await Promise.all([started(), started()])
    const log = logs[0] as RedisLog
    await log.group('group').create('start')
    const members = logs.map((one, i) => memberOf(one, `member-${i}`))
    await joined(...members)
    const waits: number[] = []
    let appendedAt = 0
    let handled = 0
    const reading = members.map(async (member) => {
      while (handled < 100) {
        const deliveries = await member.read({ limit: 10, waitMs: 200 })
        for (const _ of deliveries) waits.push(performance.now() - appendedAt)
        await member.acknowledge(deliveries)
        handled += deliveries.length
      }
    })
    for (let round = 0; round < 100; round += 1) {
      appendedAt = performance.now()
      await append(log, 1)
      await expect.poll(() => handled, { interval: 2 }).toBe(round + 1)
    }
    await Promise.all(reading)
    waits.sort((a, b) => a - b)
    expect(waits[50], 'median in ms').toBeLessThan(10)
  })

  test('members that wait do not keep the server busy', async () => {
    const logs = await Promise.all([started(), started()])
    await (logs[0] as RedisLog).group('group').create('start')
    const members = logs.map((one, i) => memberOf(one, `member-${i}`))
    await joined(...members)
    await append(logs[0] as RedisLog, 100)
    for (const member of members) await member.acknowledge(await member.read(NOW))
    const stop = new AbortController()
    const reads = members.map((member) => member.read({ limit: 1, waitMs: 60_000, signal: stop.signal }))
    const served = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.client.info('stats'))?.[1])
    await expect.poll(async () => /blocked_clients:2/.test(await redis.client.info('clients'))).toBe(true)
    const before = await served()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await served()) - before).toBeLessThan(80)
    stop.abort()
    expect((await Promise.all(reads)).flat()).toEqual([])
  })

  test('what a group that shared entry by entry left, released or held by the dead, goes to its shards, before newer ones', async () => {
    const log = await started()
    const group = log.group('group')
    await group.create('start')
    const ids = await append(log, 8)
    const old = await group.read('dead', { limit: 4, waitMs: 0 })
    await group.release('dead', old.slice(0, 2))
    const member = memberOf(log, 'one', 300)
    await member.renew()
    const released = idsOf(await member.read({ limit: 2, waitMs: 0 }))
    expect(released.toSorted(log.compare.bind(log)), 'those that nobody holds').toEqual(ids.slice(0, 2))
    const rest: ShardDelivery[] = []
    await expect
      .poll(async () => rest.push(...(await member.read({ limit: 10, waitMs: 0 }))), { timeout: 3_000 })
      .toBe(6)
    expect(new Set(idsOf(rest))).toEqual(new Set(ids.slice(2)))
    const ofTheDead = rest.filter(({ attempt }) => attempt === 2)
    expect(idsOf(ofTheDead).toSorted(log.compare.bind(log))).toEqual(ids.slice(2, 4))
    expect(await member.acknowledge(rest)).toEqual([])
    expect((await group.info()).consumers.map(({ name, pending, shards }) => [name, pending, shards.length])).toEqual([
      ['dead', 0, 0],
      ['one', 2, 4]
    ])
  })

  test('a requeued letter goes to its shard at once, with its note, to the member that waits there', async () => {
    const log = await started()
    const group = log.group('group')
    await group.create('start')
    await append(log, 4)
    const member = memberOf(log, 'one')
    await member.renew()
    const [delivery, ...others] = (await member.read(NOW)) as [ShardDelivery, ...ShardDelivery[]]
    await member.acknowledge(others)
    const error = { message: 'No.', at: 1 }
    const kept = { consumer: 'one', handler: null, eventType: null, payload: 'x', note: 'what it left' }
    const letter = { ...kept, kind: 'rejected', attempts: 1, firstError: error, lastError: error } as const
    const [settled] = await member.settle([{ ...delivery, outcome: { kind: 'dead', letter } }])
    const waiting = member.read({ limit: 1, waitMs: 60_000 })
    await expect.poll(async () => /blocked_clients:1/.test(await redis.client.info('clients'))).toBe(true)
    const before = performance.now()
    const id = settled?.kind === 'settled' ? (settled.letter?.id ?? '') : ''
    await log.deadLetters.requeue(id, { by: 'ada', payload: 'amended' })
    expect(await waiting).toEqual([{ ...delivery, payload: 'amended', note: 'what it left', attempt: 1 }])
    expect(performance.now() - before, 'long before the wait is over').toBeLessThan(20_000)
  })

  test('a group that is moved back hands out again what is done, and leaves what a shard has in hand', async () => {
    const log = await started()
    const group = log.group('group')
    await group.create('start')
    const ids = await append(log, 8)
    const member = memberOf(log, 'one')
    await member.renew()
    const deliveries = await member.read(NOW)
    await member.acknowledge(deliveries.slice(0, 6))
    await group.seek('start')
    expect(new Set(idsOf(await member.read({ limit: 100, waitMs: 3_000 })))).toEqual(new Set(ids.slice(0, 6)))
    expect(await member.acknowledge(deliveries.slice(6))).toEqual([])
    expect((await group.info()).lag).toBe(0)
  })

  test('a member whose lease has ended can settle nothing, is given nothing and gets nothing once another has its shards', async () => {
    const log = await started()
    await log.group('group').create('start')
    const [frozen, heir] = [memberOf(log, 'frozen', 50), memberOf(log, 'heir')]
    await frozen.renew()
    await append(log, 8)
    const [first, second, ...others] = (await frozen.read(NOW)) as [ShardDelivery, ShardDelivery, ...ShardDelivery[]]
    await expect.poll(async () => (await heir.renew()).held.length).toBe(4)
    expect(await frozen.acknowledge([first])).toEqual([first.messageId])
    expect(await frozen.settle([{ ...second, outcome: { kind: 'retry', note: 'a note' } }])).toEqual([{ kind: 'lost' }])
    await append(log, 4)
    expect(await frozen.read({ limit: 100, waitMs: 100 })).toEqual([])
    const deliveries = await heir.read({ limit: 100, waitMs: 100 })
    deliveries.push(...(await heir.read({ limit: 100, waitMs: 100 })))
    expect(deliveries).toHaveLength(12)
    expect(deliveries.filter(({ attempt }) => attempt === 2)).toHaveLength(2 + others.length)
    expect(await heir.acknowledge(deliveries)).toEqual([])
  })

  test('a member that routes is not given an entry past one of the same shard that it has not seen, however that came', async () => {
    const log = await started()
    await log.group('group').create('start')
    const [one, two] = [memberOf(log, 'one'), memberOf(log, 'two')]
    await joined(one, two)
    const [inHand = ''] = await append(log, 1, 1)
    expect(idsOf(await one.read(NOW))).toEqual([inHand])
    // What it holds is acknowledged past it: then the count of what is pending does not tell of the next.
    await redis.client.xAck('tradpal_events', 'group', inHand)
    const [next = ''] = await append(log, 1, 1)
    expect(await two.read({ limit: 10, waitMs: 100 })).toEqual([])
    const [last = ''] = await append(log, 1, 1)
    expect(idsOf(await one.read({ limit: 10, waitMs: 2_000 }))).toEqual([next, last])
  })

  test('info and pending speak of members, not of the consumers that stand for shards', async () => {
    const log = await started()
    const group = log.group('group')
    await group.create('start')
    await append(log, 8)
    const [one, two] = [memberOf(log, 'one'), memberOf(log, 'two')]
    await joined(one, two)
    await one.read(NOW)
    const ofTwo = await two.read(NOW)
    await two.acknowledge(ofTwo.slice(1))
    const { consumers, shards } = await group.info()
    expect(shards).toBe(4)
    expect(consumers.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
      { name: 'one', pending: 4, shards: [0, 1] },
      { name: 'two', pending: 1, shards: [2, 3] }
    ])
    expect(await group.pending({ limit: 10, consumer: 'two' })).toMatchObject([
      { messageId: ofTwo[0]?.messageId, consumer: 'two', deliveries: 1 }
    ])
    await two.leave()
    expect((await group.info()).consumers).toMatchObject([{ name: 'one' }, { name: '', pending: 1, shards: [2, 3] }])
    expect((await group.pending({ limit: 10 })).filter(({ consumer }) => consumer === '')).toMatchObject([
      { messageId: ofTwo[0]?.messageId, deliveries: 0 }
    ])
  })

  test('a group that is dropped, a FLUSHALL: not_found in the reads that wait, and in every call; it goes on when it is there again', async () => {
    const log = await started()
    const group = log.group('group')
    await group.create('start')
    await append(log, 4)
    const member = memberOf(log, 'one')
    const { held } = await member.renew()
    const [hold] = (await member.read(NOW)) as [ShardDelivery]
    for (const lose of [() => redis.client.xGroupDestroy('tradpal_events', 'group'), () => redis.client.flushAll()]) {
      const waiting = member.read({ limit: 1, waitMs: 30_000 })
      waiting.catch(() => {})
      await expect.poll(async () => /blocked_clients:1/.test(await redis.client.info('clients'))).toBe(true)
      await lose()
      const before = performance.now()
      await expect(waiting).rejects.toMatchObject({ code: 'not_found' })
      expect(performance.now() - before, 'long before the wait is over').toBeLessThan(15_000)
      for (const call of [
        () => member.renew(),
        () => member.read({ limit: 1, waitMs: 1_000 }),
        () => member.giveUp([0]),
        () => member.acknowledge([hold]),
        () => member.settle([{ ...hold, outcome: { kind: 'done' } }])
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'not_found' })
      }
      await group.restore('start')
      const again = await member.renew()
      for (const [i, { epoch }] of again.held.entries()) expect(epoch).toBeGreaterThan(held[i]?.epoch ?? 0)
      expect(await member.acknowledge([hold])).toEqual([hold.messageId])
      const ids = await append(log, 4)
      const deliveries = await member.read({ limit: 100, waitMs: 3_000 })
      expect(idsOf(deliveries).slice(-4)).toEqual(ids)
      expect(await member.acknowledge(deliveries)).toEqual([])
    }
  })

  test('another number of shards is refused while a member lives or something is pending, and taken after', async () => {
    const log = await started()
    const group = log.group('group')
    await group.create('start')
    await append(log, 4)
    const one = memberOf(log, 'one')
    const { held } = await one.renew()
    const [delivery] = (await one.read(NOW)) as [ShardDelivery]
    const other = group.sharded('other', { shards: 2, leaseMs: 60_000, shardOf: () => 0 })
    await expect(other.renew()).rejects.toMatchObject({ code: 'group_conflict' })
    await one.leave()
    await expect(other.renew()).rejects.toMatchObject({ code: 'group_conflict' })
    await one.renew()
    expect(await one.acknowledge(await one.read(NOW))).toEqual([])
    await one.leave()
    const { held: cut } = await other.renew()
    expect(cut.map(({ shard }) => shard)).toEqual([0, 1])
    expect(Math.min(...cut.map(({ epoch }) => epoch))).toBeGreaterThan(Math.max(...held.map(({ epoch }) => epoch)))
    expect(await one.acknowledge([delivery])).toEqual([delivery.messageId])
    expect((await redis.client.xInfoConsumers('tradpal_events', 'group')).map(({ name }) => name)).toEqual([])
  })

  test('of three processes, one killed and one stopped on the way, every entry is handled, and those of one key in order', async () => {
    const log = await started()
    await log.group('group').create('start')
    const handled: { messageId: string; key: string; epoch: number }[] = []
    const child = fileURLToPath(new URL('./redis-sharding-child.ts', import.meta.url))
    const spawn = (name: string): ChildProcess => {
      const started = fork(child, [redis.server.url, name], { execArgv: ['--conditions=tradpal-source'] })
      onTestFinished(() => void started.kill('SIGKILL'))
      started.on('message', (done: { messageId: string; payload: string; epoch: number }[]) => {
        handled.push(...done.map(({ payload, ...rest }) => ({ ...rest, key: payload.split(' ')[0] ?? '' })))
      })
      return started
    }
    const [first, second, third] = ['ada', 'bob', 'cy'].map(spawn) as [ChildProcess, ChildProcess, ChildProcess]
    await expect.poll(async () => (await log.group('group').info()).consumers.length, { timeout: 10_000 }).toBe(3)
    const ids: string[] = []
    for (let round = 0; round < 60; round += 1) {
      ids.push(...(await append(log, 50, 40)))
      if (round === 20) first.kill('SIGKILL')
      if (round === 30) second.kill('SIGSTOP')
      if (round === 50) second.kill('SIGCONT')
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await expect
      .poll(async () => ((await log.group('group').info()).lag ?? 0) + (await log.group('group').info()).pending, {
        timeout: 15_000
      })
      .toBe(0)
    const exits = [second, third].map((one) => once(one, 'exit'))
    for (const one of [second, third]) one.send('leave')
    await Promise.all(exits)
    // What was acknowledged by the one that was killed and not said any more is not known: a batch at most.
    const missing = ids.filter((id) => !handled.some(({ messageId }) => messageId === id))
    expect(missing.length).toBeLessThanOrEqual(20)
    expect(new Set(idsOf(handled)).size, 'nothing was settled twice').toBe(handled.length)
    for (const key of new Set(handled.map((one) => one.key))) {
      // One that is stopped may say only later what it was done with before: its epochs tell when that was.
      const ofKey = idsOf(handled.filter((one) => one.key === key).toSorted((a, b) => a.epoch - b.epoch))
      expect(ofKey).toEqual(ofKey.toSorted(log.compare.bind(log)))
    }
    expect((await log.group('group').info()).consumers).toEqual([])
  }, 40_000)
})
