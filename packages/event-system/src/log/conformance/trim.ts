import assert from 'node:assert/strict'
import type { TrimTarget } from '../port.ts'
import { moveTo } from './cursors.ts'
import { appendSome, assertGrowing, behind, compareIn, idsOf, newEventId, timeOf } from './entries.ts'
import { pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const ALL = { limit: 1_000 }
const NOW = { limit: 1_000, waitMs: 0 }

export const trimCases: readonly ConformanceCase[] = [
  {
    title: 'trim: removes the oldest entries down to maxLength',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 20)
      assert.deepEqual(await storage.log.trim({ maxLength: 25 }), result(0, false))
      assert.deepEqual(await storage.log.trim({ maxLength: 12 }), result(8, false))
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), ids.slice(8))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), result(12, false))
      assert.deepEqual((await storage.log.read(ALL)).entries, [])
      const [next = ''] = await appendSome(storage, 1)
      assertGrowing(storage, [...ids, next])
    }
  },
  {
    title: 'bounds: says where the log begins and how far it has come, also when nothing is left',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual(await storage.log.bounds(), { first: null, last: null })
      const ids = await appendSome(storage, 5)
      const newest = ids[4] ?? ''
      const beginsAt = async (expected: string | null) => {
        const { first, last } = await storage.log.bounds()
        assert.equal(first, expected)
        assert.ok(compareIn(storage, last ?? '', newest) >= 0, 'no entry has a later id')
      }
      await beginsAt(ids[0] ?? '')
      await storage.log.trim({ maxLength: 2 })
      await beginsAt(ids[3] ?? '')
      await storage.log.remove([newest], { force: true })
      await beginsAt(ids[3] ?? '')
      await storage.log.trim({ maxLength: 0 })
      await beginsAt(null)
      const { last } = await storage.log.bounds()
      const [next = ''] = await appendSome(storage, 1)
      assert.ok(compareIn(storage, next, last ?? '') > 0, 'every later entry has a later id')
    }
  },
  {
    title: 'trim: removes what was appended before an instant, and keeps what was appended at it',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 5)
      await pause(5)
      const late = await appendSome(storage, 5)
      const before = await timeOf(storage, late[0])
      assert.deepEqual(await storage.log.trim({ before }), result(5, false))
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), late)
      assert.deepEqual(await storage.log.trim({ before: 0 }), result(0, false))
    }
  },
  {
    title: 'trim: removes down to about maxBytes',
    async run(harness) {
      const storage = await harness.open()
      for (let batch = 0; batch < 20; batch += 1) {
        const entries = Array.from({ length: 50 }, () => ({
          eventId: newEventId(),
          eventType: 'order_executed',
          payload: 'x'.repeat(1_000)
        }))
        await storage.log.append(entries)
      }
      const { removed, guarded } = await storage.log.trim({ maxBytes: 500_000 })
      const { length } = await storage.log.info()
      assert.equal(removed + length, 1_000)
      assert.equal(guarded, false)
      assert.ok(length >= 200 && length <= 700, `${length} entries of 1,000 bytes were left`)
      assert.equal((await storage.log.trim({ maxBytes: 1_000_000_000 })).removed, 0)
    }
  },
  {
    title: 'trim: what a group has not acknowledged, and all behind it, stays',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 20)
      const [quick, slow] = [storage.queue('quick'), storage.queue('slow')]
      await quick.create('start')
      await slow.create('start')
      await quick.acknowledge('consumer', await quick.read('consumer', NOW))
      const held = await slow.read('consumer', { limit: 10, waitMs: 0 })
      await slow.acknowledge('consumer', [...held.slice(0, 4), ...held.slice(6, 10)])
      assert.deepEqual(await storage.log.trim({ maxLength: 18 }), result(2, false))
      assert.deepEqual(await storage.log.trim({ maxLength: 5 }), result(2, true))
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), ids.slice(4))
      await slow.acknowledge('consumer', held.slice(4, 6))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), result(6, true))
      assert.deepEqual(
        idsOf((await storage.log.read(ALL)).entries),
        ids.slice(10),
        'what was not handed out yet stays too'
      )
      assert.deepEqual(await storage.log.trim({ before: Date.now() + 60_000 }), result(0, true))
      assert.deepEqual(await storage.log.trim({ maxBytes: 0 }), result(0, true))
      await slow.acknowledge('consumer', await slow.read('consumer', NOW))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), result(10, false))
    }
  },
  {
    title: 'trim: with force removes it all the same, and counts what some group had not acknowledged, once each',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 20)
      const [quick, slow, idle] = [storage.queue('quick'), storage.queue('slow'), storage.queue('idle')]
      for (const group of [quick, slow]) await group.create('start')
      await idle.create({ after: await behind(storage, ids[9]) })
      await quick.acknowledge('consumer', await quick.read('consumer', NOW))
      const held = await slow.read('consumer', { limit: 8, waitMs: 0 })
      await slow.acknowledge('consumer', held.slice(0, 3))
      const expected = { removed: 15, lost: 12, lostByGroup: { slow: 12, idle: 5 }, lostByCursor: {}, guarded: false }
      assert.deepEqual(await storage.log.trim({ maxLength: 5 }, { force: true, dryRun: true }), expected)
      assert.equal((await storage.log.info()).length, 20, 'a dry run removes nothing')
      assert.deepEqual(await storage.log.trim({ maxLength: 5 }, { force: true }), expected)
      assert.deepEqual(idsOf(await slow.read('consumer', NOW)), ids.slice(15))
      assert.deepEqual(idsOf(await slow.claim('heir', { minIdleMs: 0, limit: 100 })), ids.slice(15))
    }
  },
  {
    title: 'trim: what a guarding cursor has not passed, and all behind it, stays; another cursor keeps nothing',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 20)
      await storage.cursors.create('guard', { after: await behind(storage, ids[4]) })
      await storage.cursors.create('lax', 'start', { guards: false })
      assert.deepEqual(await storage.log.trim({ maxLength: 18 }), result(2, false))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }, { dryRun: true }), result(3, true))
      assert.deepEqual(await storage.log.trim({ maxLength: 5 }), result(3, true))
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), ids.slice(5))
      const group = storage.queue('group')
      await group.create('start')
      await group.acknowledge('consumer', await group.read('consumer', { limit: 3, waitMs: 0 }))
      await moveTo(storage, 'guard', await behind(storage, ids[11]))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), result(3, true), 'the group is behind the cursor')
      await group.acknowledge('consumer', await group.read('consumer', NOW))
      assert.deepEqual(
        await storage.log.trim({ before: Date.now() + 60_000 }),
        result(4, true),
        'the cursor is behind the group'
      )
      assert.deepEqual(await storage.log.trim({ maxBytes: 0 }), result(0, true))
      await storage.cursors.remove('guard')
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), result(8, false))
    }
  },
  {
    title: 'trim: with force counts what some guarding cursor had not passed, apart from a group of its name',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 20)
      await storage.queue('same').create({ after: await behind(storage, ids[9]) })
      await storage.cursors.create('same', { after: await behind(storage, ids[7]) })
      await storage.cursors.create('two words', { after: await behind(storage, ids[12]) })
      await storage.cursors.create('done', 'end')
      await storage.cursors.create('lax', 'start', { guards: false })
      const losses = { lostByGroup: { same: 5 }, lostByCursor: { same: 7, 'two words': 2 } }
      const expected = { removed: 15, lost: 7, ...losses, guarded: false }
      assert.deepEqual(await storage.log.trim({ maxLength: 5 }, { force: true, dryRun: true }), expected)
      assert.equal((await storage.log.info()).length, 20, 'a dry run removes nothing')
      assert.deepEqual(await storage.log.trim({ maxLength: 5 }, { force: true }), expected)
      assert.equal((await storage.cursors.get('same'))?.lag, 5)
    }
  },
  {
    title: 'trim: of many entries, by steps or not, is exact',
    async run(harness) {
      const storage = await harness.open()
      for (let batch = 0; batch < 10; batch += 1) await appendSome(storage, 1_000)
      const group = storage.queue('group')
      await group.create('start')
      const held = await group.read('consumer', { limit: 7_500, waitMs: 0 })
      await group.acknowledge('consumer', held.slice(0, 7_000))
      assert.deepEqual(await storage.log.trim({ maxLength: 1_000 }), result(7_000, true))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }, { force: true }), {
        removed: 3_000,
        lost: 3_000,
        lostByGroup: { group: 3_000 },
        lostByCursor: {},
        guarded: false
      })
      assert.equal((await storage.log.info()).length, 0)
    }
  },
  {
    title: 'trim: dryRun removes nothing, and resolves to what would be removed',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      for (let batch = 0; batch < 5; batch += 1) await appendSome(storage, 1_000)
      const group = storage.queue('group')
      await group.create('start')
      await group.acknowledge('consumer', await group.read('consumer', { limit: 4_000, waitMs: 0 }))
      assert.deepEqual(await storage.log.trim({ maxLength: 2_000 }, { dryRun: true }), result(3_000, false))
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }, { dryRun: true }), result(4_000, true))
      assert.deepEqual(await storage.log.trim({ before: Date.now() + 60_000 }, { dryRun: true }), result(4_000, true))
      assert.equal((await storage.log.info()).length, 5_000)
    }
  },
  {
    title: 'trim: takes exactly one target, 0 or more',
    async run(harness) {
      const storage = await harness.open()
      const wrong = [{}, { maxLength: 1, before: 1 }, { maxLength: -1 }, { maxBytes: Number.NaN }, { maxLength: 1.5 }]
      for (const target of wrong) await rejectsWith(() => storage.log.trim(target as TrimTarget), 'invalid_argument')
    }
  }
]

function result(removed: number, guarded: boolean) {
  return { removed, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded }
}
