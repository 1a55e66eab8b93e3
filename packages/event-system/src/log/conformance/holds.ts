import assert from 'node:assert/strict'
import type { Delivery } from '../port.ts'
import { attachTo } from './attachments.ts'
import { appendSome, handedOut, idsOf } from './entries.ts'
import { eventually, pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000
const NOW = { limit: 100, waitMs: 0 }

export const holdCases: readonly ConformanceCase[] = [
  {
    title: 'group.acknowledge: marks entries done that this consumer holds; resolves to the ids whose hold was lost',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 5)
      await group.create('start')
      const held = await group.read('consumer', { limit: 4, waitMs: 0 })
      assert.deepEqual(await group.acknowledge('consumer', []), [])
      assert.deepEqual(await group.acknowledge('consumer', held.slice(0, 2)), [])
      const never = { messageId: ids[4] ?? '', attempt: 1 }
      assert.deepEqual(await group.acknowledge('consumer', [...held.slice(0, 2), never]), [ids[0], ids[1], ids[4]])
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), ids.slice(2, 4))
      assert.deepEqual(idsOf(await group.claim('other', { minIdleMs: 0, limit: 10 })), ids.slice(2, 4))
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids.slice(4), 'never handed out again')
    }
  },
  {
    title: 'hold: of another consumer, of an earlier attempt or of a dropped group it is lost, and nothing happens',
    async run(harness) {
      const { group, ids, deliveries } = await handedOut(await harness.open(), 4)
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      await group.claim('consumer', { minIdleMs: 0, limit: 1, after: ids[0] ?? '' })
      await group.acknowledge('consumer', deliveries.slice(2, 3))
      const before = await group.pending({ limit: 10 })
      const lost = ids.slice(0, 3)
      assert.deepEqual(await group.acknowledge('consumer', deliveries.slice(0, 3)), lost)
      assert.deepEqual(await group.acknowledge('stranger', deliveries), ids)
      assert.deepEqual(await group.release('consumer', deliveries.slice(0, 3)), lost)
      assert.deepEqual(await group.extend('consumer', deliveries.slice(0, 3)), lost)
      const after = await group.pending({ limit: 10 })
      assert.deepEqual(
        after.map(({ idleMs: _, ...rest }) => rest),
        before.map(({ idleMs: _, ...rest }) => rest)
      )
      await group.destroy()
      await group.create('start')
      assert.deepEqual(await group.acknowledge('consumer', deliveries), ids)
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
    }
  },
  {
    title:
      'group.pending: what was handed out and not acknowledged, in log order, page behind page, of one consumer or all',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      const ids = await appendSome(storage, 10)
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
    title:
      'group.pending: exactly these ids, in log order, of one consumer or all; an id that is not pending is left out',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 6)
      const [first, , third, , fifth] = deliveries as [Delivery, Delivery, Delivery, Delivery, Delivery]
      await attachTo(storage, [first], 'a text')
      await group.claim('heir', { minIdleMs: 0, limit: 1, after: ids[0] ?? '' })
      await group.acknowledge('consumer', [third])
      await group.release('consumer', [fifth])
      const all = (await group.pending({ limit: 10 })).map(({ idleMs: _, ...one }) => one)
      const asked = async (messageIds: readonly string[], consumer?: string) => {
        const found = await group.pending({ messageIds, ...(consumer !== undefined && { consumer }) })
        return found.map(({ idleMs: _, ...one }) => one)
      }
      assert.deepEqual(await asked(ids.toReversed()), all)
      assert.deepEqual(await asked([...ids.slice(0, 4), '1-1', ids[0] ?? '']), all.slice(0, 3))
      assert.deepEqual(
        (await asked(ids, 'consumer')).map(({ messageId, attachment }) => [messageId, attachment]),
        [
          [ids[0], 'a text'],
          [ids[3], undefined],
          [ids[5], undefined]
        ]
      )
      assert.deepEqual(idsOf(await group.pending({ messageIds: ids, consumer: 'heir' })), [ids[1]])
      assert.deepEqual(await asked([]), [])
      await rejectsWith(() => asked(['1-1', 'nonsense']), 'invalid_message_id')
      await group.destroy()
      for (const messageIds of [ids, []]) await rejectsWith(() => asked(messageIds), 'not_found')
    }
  },
  {
    title: 'extend: sets the idle time of entries that this consumer holds to 0',
    async run(harness) {
      const { group, ids, deliveries } = await handedOut(await harness.open(), 4)
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      await group.acknowledge('consumer', deliveries.slice(1, 2))
      await pause(60)
      assert.deepEqual(await group.extend('consumer', deliveries), ids.slice(0, 2))
      assert.deepEqual(await group.extend('consumer', []), [])
      const pending = await group.pending({ limit: 10 })
      const othersIdleMs = pending[0]?.idleMs ?? 0
      assert.ok(othersIdleMs >= 50, "another's entry idles on")
      assert.ok(pending.slice(1).every(({ idleMs, deliveries }) => idleMs <= othersIdleMs - 50 && deliveries === 1))
    }
  },
  {
    title: 'release: claimable by any at once, whatever minIdleMs, and the delivery that is given back is not counted',
    async run(harness) {
      const { group, ids, deliveries } = await handedOut(await harness.open(), 3)
      assert.deepEqual(await group.release('consumer', deliveries.slice(0, 2)), [])
      assert.deepEqual(
        (await group.pending({ limit: 10 })).map(({ consumer }) => consumer),
        ['', '', 'consumer'],
        'it is still not acknowledged, and nobody holds it'
      )
      const claimed = await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 })
      assert.deepEqual(
        claimed.map(({ messageId, attempt }) => [messageId, attempt]),
        [
          [ids[0], 1],
          [ids[1], 1]
        ]
      )
      assert.deepEqual(await group.claim('another', { minIdleMs: AN_HOUR_MS, limit: 10 }), [], 'and then held again')
    }
  },
  {
    title: 'release: with a delay, claimable by any after it, whatever minIdleMs, and not before; the delivery counts',
    async run(harness) {
      const { group, ids, deliveries } = await handedOut(await harness.open(), 2)
      const before = performance.now()
      assert.deepEqual(await group.release('consumer', deliveries.slice(0, 1), { delayMs: 300 }), [])
      assert.deepEqual((await group.pending({ limit: 1 }))[0]?.consumer, '')
      const early = idsOf(await group.claim('heir', { minIdleMs: 0, limit: 10 }))
      if (performance.now() - before < 250) assert.deepEqual(early, ids.slice(1))
      const claimed = await eventually('the delay to pass', async () => {
        const due = await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 })
        return due.length > 0 && due
      })
      assert.ok(performance.now() - before >= 250)
      assert.deepEqual(
        claimed.map(({ messageId, attempt }) => [messageId, attempt]),
        [[ids[0], 2]]
      )
      assert.deepEqual(await group.acknowledge('heir', claimed), [])
    }
  },
  {
    title: 'release: a consumer that handed all back holds nothing: it can be removed, and the entries stay',
    async run(harness) {
      const { group, ids, deliveries } = await handedOut(await harness.open(), 2)
      await group.release('consumer', deliveries)
      assert.deepEqual(await group.extend('consumer', deliveries), ids)
      assert.equal(await group.removeConsumer('consumer'), true)
      assert.deepEqual((await group.info()).consumers, [], 'nobody holds them')
      assert.deepEqual(idsOf(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 })), ids)
    }
  }
]
