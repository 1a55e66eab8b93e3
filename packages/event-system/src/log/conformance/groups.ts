import assert from 'node:assert/strict'
import { appendSome, idsOf, payloadsOf } from './entries.ts'
import { pause, rejectsWith, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const NOW = { limit: 100, waitMs: 0 }
const WAKE_MS = 1_000

export const groupCases: readonly ConformanceCase[] = [
  {
    title: 'group.create: creates the group at a position: the start, the end, behind an id, at a time',
    async run(harness) {
      const log = await harness.open()
      const ids = await appendSome(log, 4)
      await pause(3)
      const later = await appendSome(log, 2)
      const positions = [
        ['start', [...ids, ...later]],
        ['end', []],
        [{ after: ids[1] ?? '' }, [...ids.slice(2), ...later]],
        [{ time: log.timeOf(later[0] ?? '') }, later],
        [{ time: 0 }, [...ids, ...later]]
      ] as const
      for (const [index, [at, expected]] of positions.entries()) {
        const group = log.group(`group-${index}`)
        assert.equal(await group.create(at), true)
        assert.deepEqual(idsOf(await group.read('consumer', NOW)), expected)
      }
      const [next = ''] = await appendSome(log, 1)
      assert.deepEqual(idsOf(await log.group('group-1').read('consumer', NOW)), [next])
    }
  },
  {
    title: 'group.create: resolves to false, and changes nothing, when the group exists',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 3)
      assert.equal(await group.create('start'), true)
      assert.equal(await group.create('end'), false)
      assert.equal(await (await harness.open()).group('group').create('end'), false)
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
      assert.equal(await group.create('start'), false)
      assert.deepEqual(await group.read('consumer', NOW), [])
    }
  },
  {
    title: 'group.create: on an empty log, the group gets all that comes',
    async run(harness) {
      const log = await harness.open()
      for (const at of ['start', 'end'] as const) await log.group(at).create(at)
      const ids = await appendSome(log, 3)
      for (const at of ['start', 'end'] as const)
        assert.deepEqual(idsOf(await log.group(at).read('consumer', NOW)), ids)
    }
  },
  {
    title: 'group.destroy: drops the group, its consumers and its pending entries; resolves to whether there was one',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      assert.equal(await group.destroy(), false)
      const ids = await appendSome(log, 3)
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
    title: 'group.read: hands out in log order, at most limit, with attempt 1',
    async run(harness) {
      const log = await harness.open()
      const ids = await appendSome(log, 10)
      const group = log.group('group')
      await group.create('start')
      const first = await group.read('consumer', { limit: 4, waitMs: 0 })
      assert.deepEqual(
        first,
        ids.slice(0, 4).map((messageId, index) => ({ messageId, payload: `entry ${index}`, attempt: 1 }))
      )
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids.slice(4))
      assert.deepEqual(await group.read('consumer', NOW), [])
    }
  },
  {
    title: 'group.read: each entry goes to one consumer of the group, and to each group',
    async run(harness) {
      const logs = await Promise.all([harness.open(), harness.open(), harness.open()])
      const ids = await appendSome(logs[0], 300)
      for (const name of ['first', 'second']) {
        await logs[0].group(name).create('start')
        const shares = await Promise.all(
          logs.map(async (log, consumer) => {
            const share: string[] = []
            for (;;) {
              const deliveries = await log.group(name).read(`consumer-${consumer}`, { limit: 7, waitMs: 0 })
              if (deliveries.length === 0) return share
              share.push(...idsOf(deliveries))
              await pause(0)
            }
          })
        )
        assert.equal(shares.flat().length, 300)
        assert.deepEqual(new Set(shares.flat()), new Set(ids))
      }
    }
  },
  {
    title: 'group.read: waits for an entry to be appended, by this handle or another',
    async run(harness) {
      const log = await harness.open()
      const other = await harness.open()
      const group = log.group('group')
      await group.create('start')
      for (const appender of [log, other, log, other]) {
        const read = group.read('consumer', { limit: 10, waitMs: 10_000 })
        await pause(30)
        const ids = await appendSome(appender, 1)
        assert.deepEqual(idsOf(await within(WAKE_MS, 'the wake-up of a read', read)), ids)
      }
    }
  },
  {
    title: 'group.read: of several that wait, none is forgotten and none gets the same entry',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const reads = Array.from({ length: 5 }, (_, consumer) =>
        group.read(`consumer-${consumer}`, { limit: 1, waitMs: 10_000 })
      )
      await pause(20)
      const ids = await appendSome(await harness.open(), 5)
      const deliveries = await within(5_000, 'the wake-up of all', Promise.all(reads))
      assert.deepEqual(idsOf(deliveries.flat()).toSorted(log.compare.bind(log)), ids)
    }
  },
  {
    title: 'group.read: resolves to nothing when the time is up',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const before = performance.now()
      assert.deepEqual(await group.read('consumer', { limit: 1, waitMs: 150 }), [])
      const took = performance.now() - before
      assert.ok(took >= 100 && took < 2_000, `it took ${took} ms`)
    }
  },
  {
    title: 'group.read: resolves to nothing when the signal is aborted, and has taken nothing',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const abort = new AbortController()
      const read = group.read('consumer', { limit: 1, waitMs: 60_000, signal: abort.signal })
      await pause(30)
      abort.abort()
      assert.deepEqual(await within(WAKE_MS, 'the end of an aborted read', read), [])
      const ids = await appendSome(log, 1)
      assert.deepEqual(await group.read('consumer', { ...NOW, signal: abort.signal }), [])
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
    }
  },
  {
    title: 'group.read: a read that waits does not hold up other calls of the same handle',
    async run(harness) {
      const log = await harness.open()
      await log.group('group').create('start')
      const abort = new AbortController()
      const reads = [1, 2, 3].map((consumer) =>
        log.group('group').read(`consumer-${consumer}`, { limit: 1, waitMs: 60_000, signal: abort.signal })
      )
      await pause(20)
      await within(WAKE_MS, 'a ping', log.ping())
      await within(WAKE_MS, 'an info', log.info())
      abort.abort()
      assert.deepEqual((await Promise.all(reads)).flat(), [])
    }
  },
  {
    title: 'group: rejects with not_found without the group',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('nobody')
      await appendSome(log, 1)
      await rejectsWith(() => group.read('consumer', NOW), 'not_found')
      await rejectsWith(() => group.read('consumer', { limit: 1, waitMs: 1_000 }), 'not_found')
      await rejectsWith(() => group.info(), 'not_found')
      await rejectsWith(() => group.seek('start'), 'not_found')
      await rejectsWith(() => group.claim('consumer', { minIdleMs: 0, limit: 1 }), 'not_found')
      await rejectsWith(() => group.pending({ limit: 1 }), 'not_found')
    }
  },
  {
    title: 'group.acknowledge: marks entries done; resolves to how many were pending, others are ignored',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 5)
      await group.create('start')
      await group.read('consumer', { limit: 4, waitMs: 0 })
      assert.equal(await group.acknowledge([]), 0)
      assert.equal(await group.acknowledge([ids[0] ?? '', ids[1] ?? '', ids[1] ?? '', ids[4] ?? '', '1-1']), 2)
      assert.equal(await group.acknowledge(ids.slice(0, 2)), 0)
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), ids.slice(2, 4))
      assert.deepEqual(idsOf(await group.claim('other', { minIdleMs: 0, limit: 10 })), ids.slice(2, 4))
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids.slice(4), 'never handed out again')
    }
  },
  {
    title:
      'group.pending: what was handed out and not acknowledged, in log order, page behind page, of one consumer or all',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 10)
      await group.create('start')
      assert.deepEqual(await group.pending({ limit: 10 }), [])
      await group.read('left', { limit: 3, waitMs: 0 })
      await group.read('right', { limit: 3, waitMs: 0 })
      await group.read('left', { limit: 2, waitMs: 0 })
      await pause(20)
      const all = await group.pending({ limit: 100 })
      assert.deepEqual(idsOf(all), ids.slice(0, 8))
      assert.deepEqual(
        all.map(({ consumer }) => consumer),
        ['left', 'left', 'left', 'right', 'right', 'right', 'left', 'left']
      )
      assert.ok(all.every(({ deliveries, idleMs }) => deliveries === 1 && idleMs >= 10 && idleMs < 60_000))
      assert.deepEqual(idsOf(await group.pending({ limit: 3 })), ids.slice(0, 3))
      assert.deepEqual(idsOf(await group.pending({ limit: 3, after: ids[2] ?? '' })), ids.slice(3, 6))
      const left = [...ids.slice(0, 3), ...ids.slice(6, 8)]
      assert.deepEqual(idsOf(await group.pending({ limit: 100, consumer: 'left' })), left)
      assert.deepEqual(idsOf(await group.pending({ limit: 2, consumer: 'left', after: ids[1] ?? '' })), [
        ids[2],
        ids[6]
      ])
      assert.deepEqual(await group.pending({ limit: 100, consumer: 'nobody' }), [])
    }
  },
  {
    title: 'group.seek: back, the next read hands out from there again',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 5)
      await group.create('start')
      await group.acknowledge(idsOf(await group.read('consumer', NOW)))
      await group.seek({ after: ids[1] ?? '' })
      assert.equal((await group.info()).lag, 3)
      assert.deepEqual(idsOf(await group.read('consumer', { limit: 2, waitMs: 0 })), ids.slice(2, 4))
      await group.seek('start')
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
    }
  },
  {
    title: 'group.seek: forward, what lies between is not handed out, and what is pending stays pending',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 5)
      await group.create('start')
      await group.read('consumer', { limit: 1, waitMs: 0 })
      await group.seek({ after: ids[2] ?? '' })
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), ids.slice(0, 1))
      assert.deepEqual(idsOf(await group.read('consumer', { limit: 1, waitMs: 0 })), [ids[3]])
      await group.seek('end')
      assert.deepEqual(await group.read('consumer', NOW), [])
      assert.equal((await group.info()).lag, 0)
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), [ids[0], ids[3]])
    }
  },
  {
    title:
      'group.removeConsumer: removes a consumer that holds nothing; false, and nothing removed, when it holds something or is not there',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 2)
      await group.create('start')
      assert.equal(await group.removeConsumer('consumer'), false)
      await group.read('consumer', NOW)
      await group.acknowledge(ids.slice(0, 1))
      assert.equal(await group.removeConsumer('consumer'), false)
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), ids.slice(1))
      await group.acknowledge(ids)
      assert.equal(await group.removeConsumer('consumer'), true)
      assert.deepEqual((await group.info()).consumers, [])
      assert.equal(await group.removeConsumer('consumer'), false)
    }
  },
  {
    title:
      'group.removeConsumer: while the consumer reads, no entry is lost: it was removed before it held one, or it stays',
    async run(harness) {
      const log = await harness.open()
      const other = await harness.open()
      const group = log.group('group')
      await group.create('start')
      for (let round = 0; round < 30; round += 1) {
        const [messageId = ''] = await appendSome(log, 1)
        const [deliveries] = await Promise.all([
          group.read('consumer', NOW),
          other.group('group').removeConsumer('consumer')
        ])
        assert.deepEqual(idsOf(deliveries), [messageId])
        assert.equal(await group.acknowledge([messageId]), 1)
      }
    }
  },
  {
    title: 'group.info: consumers with what they hold and how long they idle, pending, last delivered id, lag',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const ids = await appendSome(log, 10)
      await group.create('start')
      assert.equal((await group.info()).lag, 10)
      await group.read('left', { limit: 3, waitMs: 0 })
      await group.read('right', { limit: 1, waitMs: 0 })
      await group.acknowledge(ids.slice(0, 1))
      await pause(20)
      const info = await group.info()
      assert.equal(info.name, 'group')
      assert.equal(info.pending, 3)
      assert.equal(info.lastDeliveredId, ids[3])
      assert.equal(info.lag, 6)
      const consumers = info.consumers.toSorted((a, b) => a.name.localeCompare(b.name))
      assert.deepEqual(
        consumers.map(({ name, pending }) => [name, pending]),
        [
          ['left', 2],
          ['right', 1]
        ]
      )
      assert.ok(consumers.every(({ idleMs }) => idleMs >= 10 && idleMs < 60_000))
    }
  },
  {
    title: 'group: names may be any text',
    async run(harness) {
      const log = await harness.open()
      await appendSome(log, 1)
      for (const name of ['a b', 'größe', 'x:y{z}', '*', '🏦']) {
        await log.group(name).create('start')
        assert.deepEqual(payloadsOf(await log.group(name).read(name, NOW)), ['entry 0'])
        const [pending] = await log.group(name).pending({ limit: 1 })
        assert.equal(pending?.consumer, name)
      }
      const names = (await log.info()).groups.map(({ name }) => name)
      assert.deepEqual(new Set(names), new Set(['a b', 'größe', 'x:y{z}', '*', '🏦']))
    }
  }
]
