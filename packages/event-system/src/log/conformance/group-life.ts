import assert from 'node:assert/strict'
import { committed } from './commit.ts'
import { appendSome, behind, idsOf, payloadsOf, timeOf } from './entries.ts'
import { pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const MINUTE_MS = 60_000
const NOW = { limit: 100, waitMs: 0 }

export const groupLifeCases: readonly ConformanceCase[] = [
  {
    title: 'group.create: creates the group at a position: the start, the end, behind an id, at a time',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 4)
      await pause(3)
      const later = await appendSome(storage, 2)
      const positions = [
        ['start', [...ids, ...later]],
        ['end', []],
        [{ after: await behind(storage, ids[1]) }, [...ids.slice(2), ...later]],
        [{ time: await timeOf(storage, later[0]) }, later],
        [{ time: 0 }, [...ids, ...later]]
      ] as const
      for (const [index, [at, expected]] of positions.entries()) {
        const group = storage.queue(`group-${index}`)
        assert.equal(await group.create(at), true)
        assert.deepEqual(idsOf(await group.read('consumer', NOW)), expected)
      }
      const [next = ''] = await appendSome(storage, 1)
      assert.deepEqual(idsOf(await storage.queue('group-1').read('consumer', NOW)), [next])
    }
  },
  {
    title: 'group.create: a position beyond the newest entry counts as end',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const future = Date.now() + MINUTE_MS
      await storage.queue('in an empty log').create({ after: `${future}-0` })
      const ids = await appendSome(storage, 3)
      await storage.queue('beyond').create({ after: `${future}-0` })
      await storage.queue('late').create({ time: future })
      const next = await appendSome(storage, 2)
      for (const name of ['beyond', 'late'])
        assert.deepEqual(idsOf(await storage.queue(name).read('consumer', NOW)), next)
      const all = await storage.queue('in an empty log').read('consumer', NOW)
      assert.deepEqual(idsOf(all), [...ids, ...next])
    }
  },
  {
    title: 'group.create: resolves to false, and changes nothing, when the group exists',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 3)
      assert.equal(await group.create('start'), true)
      assert.equal(await group.create('end'), false)
      assert.equal(await (await harness.open()).queue('group').create('end'), false)
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
      assert.equal(await group.create('start'), false)
      assert.deepEqual(await group.read('consumer', NOW), [])
    }
  },
  {
    title: 'group.create: on an empty log, the group gets all that comes',
    async run(harness) {
      const storage = await harness.open()
      for (const at of ['start', 'end'] as const) await storage.queue(at).create(at)
      const ids = await appendSome(storage, 3)
      for (const at of ['start', 'end'] as const)
        assert.deepEqual(idsOf(await storage.queue(at).read('consumer', NOW)), ids)
    }
  },
  {
    title: 'group.destroy: drops the group, its consumers and its pending entries; resolves to whether there was one',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      assert.equal(await group.destroy(), false)
      const ids = await appendSome(storage, 3)
      await group.create('start')
      await group.read('consumer', NOW)
      assert.equal(await group.destroy(), true)
      await rejectsWith(() => group.read('consumer', NOW), 'not_found')
      assert.equal(await group.create('start'), true)
      const info = await group.info()
      assert.deepEqual([info.pending, info.consumers], [0, []])
      const deliveries = await group.read('consumer', NOW)
      assert.deepEqual(idsOf(deliveries), ids)
      assert.ok(deliveries.every(({ attempt }) => attempt === 1))
    }
  },
  {
    title: 'group: rejects with not_found without the group',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('nobody')
      const ids = await appendSome(storage, 1)
      await rejectsWith(() => group.read('consumer', NOW), 'not_found')
      await rejectsWith(() => group.read('consumer', { limit: 1, waitMs: 1_000 }), 'not_found')
      await rejectsWith(() => group.info(), 'not_found')
      await rejectsWith(() => group.seek('start'), 'not_found')
      await rejectsWith(() => group.claim('consumer', { minIdleMs: 0, limit: 1 }), 'not_found')
      await rejectsWith(() => group.pending({ limit: 1 }), 'not_found')
      const hold = { messageId: ids[0] ?? '', attempt: 1 }
      await rejectsWith(() => group.acknowledge('consumer', [hold]), 'not_found')
      await rejectsWith(() => group.extend('consumer', [hold]), 'not_found')
      await rejectsWith(() => group.release('consumer', [hold]), 'not_found')
      await rejectsWith(() => group.removeConsumer('consumer'), 'not_found')
    }
  },
  {
    title: 'group.seek: back, the next read hands out from there again',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 5)
      await group.create('start')
      await group.acknowledge('consumer', await group.read('consumer', NOW))
      await group.seek({ after: await behind(storage, ids[1]) })
      assert.equal((await group.info()).lag, 3)
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids.slice(2))
      await group.seek('start')
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
    }
  },
  {
    title: 'group.seek: forward, what lies between is not handed out, and what is pending stays pending',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 5)
      await group.create('start')
      const [held = ''] = idsOf(await group.read('consumer', { limit: 1, waitMs: 0 }))
      await group.seek({ after: await behind(storage, ids[2]) })
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), [held])
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids.slice(3))
      await appendSome(storage, 3)
      await group.seek('end')
      assert.deepEqual(await group.read('consumer', NOW), [])
      assert.equal((await group.info()).lag, 0)
      assert.deepEqual(new Set(idsOf(await group.pending({ limit: 10 }))), new Set([held, ...ids.slice(3)]))
    }
  },
  {
    title:
      'group.removeConsumer: removes a consumer that holds nothing; false, and nothing removed, when it holds something or is not there',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 2)
      await group.create('start')
      assert.equal(await group.removeConsumer('consumer'), false)
      const deliveries = await group.read('consumer', NOW)
      await group.acknowledge('consumer', deliveries.slice(0, 1))
      assert.equal(await group.removeConsumer('consumer'), false)
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), ids.slice(1))
      await group.acknowledge('consumer', deliveries)
      assert.equal(await group.removeConsumer('consumer', { minIdleMs: 60_000 }), false, 'it was there lately')
      assert.equal(await group.removeConsumer('consumer'), true)
      assert.deepEqual((await group.info()).consumers, [])
      assert.equal(await group.removeConsumer('consumer'), false)
    }
  },
  {
    title:
      'group.removeConsumer: while the consumer reads, no entry is lost: it was removed before it held one, or it stays',
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      for (let round = 0; round < 30; round += 1) {
        const [messageId = ''] = await appendSome(storage, 1)
        const [deliveries] = await Promise.all([
          group.read('consumer', NOW),
          other.queue('group').removeConsumer('consumer')
        ])
        assert.deepEqual(idsOf(deliveries), [messageId])
        assert.deepEqual(await group.acknowledge('consumer', deliveries), [])
      }
    }
  },
  {
    title: 'group.info: consumers with what they hold and how long they idle, pending, last delivered id, lag',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 10)
      await group.create('start')
      assert.equal((await group.info()).lag, 10)
      const held = await group.read('left', { limit: 3, waitMs: 0 })
      await group.read('right', { limit: 1, waitMs: 0 })
      await group.acknowledge('left', held.slice(0, 1))
      const [, second] = held
      assert.ok(second)
      const { messageId, attempt } = second
      const attachment = { group: 'group', messageId, text: 'not yet', if: { consumer: 'left', attempt } }
      committed(await storage.commit([{ attach: [attachment] }]))
      await pause(20)
      const info = await group.info()
      assert.equal(info.name, 'group')
      assert.equal(info.pending, 3)
      assert.equal(info.lastDelivered, ids[3])
      assert.equal(info.lag, 6)
      assert.equal(info.partitions, null)
      assert.equal(info.retrying, 1)
      assert.ok(info.oldestPendingMs !== null && info.oldestPendingMs >= 10 && info.oldestPendingMs < 60_000)
      assert.ok(info.lagMs >= 10 && info.lagMs < 60_000)
      const consumers = info.consumers.toSorted((a, b) => a.name.localeCompare(b.name))
      assert.deepEqual(
        consumers.map(({ name, pending, partitions }) => [name, pending, partitions]),
        [
          ['left', 2, []],
          ['right', 1, []]
        ]
      )
      assert.ok(consumers.every(({ idleMs }) => idleMs >= 10 && idleMs < 60_000))
      await group.seek('end')
      await group.acknowledge('left', held)
      await group.acknowledge('right', await group.claim('right', { minIdleMs: 0, limit: 10 }))
      const idle = await group.info()
      assert.deepEqual([idle.pending, idle.retrying, idle.oldestPendingMs, idle.lag, idle.lagMs], [0, 0, null, 0, 0])
    }
  },
  {
    title: 'group.info: everything up to acknowledgedTo is acknowledged, and what comes behind it first is not',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 5)
      const group = storage.queue('group')
      const isBehind = async (count: number, why: string) => {
        const { acknowledgedTo } = await group.info()
        assert.deepEqual(
          idsOf((await storage.log.read({ from: { after: acknowledgedTo }, limit: 10 })).entries),
          ids.slice(count),
          why
        )
      }
      await group.create({ after: await behind(storage, ids[0]) })
      await isBehind(1, 'where the group was created')
      const [second, third, fourth] = await group.read('consumer', { limit: 3, waitMs: 0 })
      assert.ok(second && third && fourth)
      await isBehind(1, 'nothing is acknowledged')
      await group.acknowledge('consumer', [third, fourth])
      await isBehind(1, 'the oldest is pending')
      await group.acknowledge('consumer', [second])
      await isBehind(4, 'nothing is pending')
      committed(await storage.commit([{ requeue: [{ group: 'group', messageId: third.messageId }] }]))
      await isBehind(2, 'one was requeued')
      await group.seek('start')
      await isBehind(0, 'the group was moved before all that is pending')
    }
  },
  {
    title: 'group: names may be any text',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 1)
      for (const name of ['a b', 'größe', 'x:y{z}', '*', '🏦']) {
        await storage.queue(name).create('start')
        assert.deepEqual(payloadsOf(await storage.queue(name).read(name, NOW)), ['entry 0'])
        const [pending] = await storage.queue(name).pending({ limit: 1 })
        assert.equal(pending?.consumer, name)
      }
      const names = (await storage.log.info()).groups.map(({ name }) => name)
      assert.deepEqual(new Set(names), new Set(['a b', 'größe', 'x:y{z}', '*', '🏦']))
    }
  }
]
