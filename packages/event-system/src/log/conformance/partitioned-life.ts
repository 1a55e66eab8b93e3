import assert from 'node:assert/strict'
import { appendSome, compareIn, idsOf, partitionedOf } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import {
  alone,
  assertAll,
  assertOrdered,
  finish,
  member,
  NOW,
  PARTITIONS,
  readToTheEnd,
  twoMembers,
  unitsOf,
  workToTheEnd
} from './partitioned-group.ts'

export const partitionedLifeCases: readonly ConformanceCase[] = [
  {
    title: 'partitioned.create: begins at a position; false, and nothing changed, when the group exists',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 6)
      const group = partitionedOf(storage, 'group')
      assert.equal(await group.create({ after: ids[1] ?? '' }), true)
      assert.equal(await group.create('end'), false)
      const one = member(storage, 'one')
      await one.renew()
      assert.deepEqual(new Set(idsOf(await one.read(NOW))), new Set(ids.slice(2)))
    }
  },
  {
    title: 'partitioned: the log lists the group with its own, and none of its cursors',
    async run(harness) {
      const storage = await harness.open()
      await storage.queue('shared').create('start')
      await alone(storage)
      await storage.cursors.create('mine', 'start')
      assert.deepEqual((await storage.groupNames()).toSorted(), ['group', 'shared'])
      const { groups, cursors } = await storage.log.info()
      assert.deepEqual(groups.map(({ name, partitions }) => [name, partitions]).toSorted(), [
        ['group', PARTITIONS],
        ['shared', null]
      ])
      assert.deepEqual(
        cursors.map(({ name }) => name),
        ['mine']
      )
    }
  },
  {
    title: 'partitioned.info: members with their partitions, pending, retrying, lag and ages, as of their last renewal',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 8)
      const { group, one, two } = await twoMembers(storage)
      const held = await one.read(NOW)
      await readToTheEnd(two)
      await finish(one, held.slice(0, 1))
      const [, noted] = held
      await one.commit([{ done: [], notes: { [noted?.messageId ?? '']: 'not yet' } }])
      await one.renew()
      await two.renew()
      const info = await group.info()
      assert.deepEqual([info.partitions, info.pending, info.retrying, info.lag, info.lagMs], [PARTITIONS, 7, 1, 0, 0])
      assert.equal(info.lastDelivered, ids[7])
      assert.deepEqual(
        idsOf((await storage.log.read({ from: { after: info.acknowledgedTo }, limit: 10 })).entries),
        ids.slice(1)
      )
      assert.ok(info.oldestPendingMs !== null && info.oldestPendingMs >= 0)
      const consumers = info.consumers.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      assert.deepEqual(
        consumers.map(({ name, pending, partitions }) => [name, pending, partitions.length]),
        [
          ['one', 3, 2],
          ['two', 4, 2]
        ]
      )
      await appendSome(storage, 2, 8)
      assert.equal((await group.info()).lag, 2)
    }
  },
  {
    title: 'partitioned: the guard of trim keeps what its members have not finished, by the name of the group',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      const ids = await appendSome(storage, 8)
      const held = (await readToTheEnd(one)).toSorted((a, b) => compareIn(storage, a.messageId, b.messageId))
      await finish(one, held.slice(0, 3))
      assert.deepEqual(
        await storage.log.trim({ maxLength: 0 }),
        { removed: 0, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: true },
        'until the next renewal'
      )
      await one.renew()
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), {
        removed: 3,
        lost: 0,
        lostByGroup: {},
        lostByCursor: {},
        guarded: true
      })
      assert.deepEqual(idsOf((await storage.log.read({ limit: 10 })).entries), ids.slice(3))
      const forced = await storage.log.trim({ maxLength: 0 }, { force: true })
      assert.deepEqual(forced, { removed: 5, lost: 5, lostByGroup: { group: 5 }, lostByCursor: {}, guarded: false })
    }
  },
  {
    title: 'partitioned: an entry that was trimmed before its owner finished it is passed over by the next owner',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 16)
      const held = await one.read(NOW)
      await finish(one, held.slice(8))
      await storage.log.trim({ maxLength: 0 }, { force: true })
      await one.leave()
      const two = member(storage, 'two')
      await two.renew()
      const ids = await appendSome(storage, 4)
      assert.deepEqual(new Set(idsOf(await workToTheEnd(two))), new Set(ids))
    }
  },
  {
    title:
      'partitioned.seek: back, the members get the entries once more, in order, and the former deliveries are fenced',
    async run(harness) {
      const storage = await harness.open()
      const { group, one } = await alone(storage)
      const ids = await appendSome(storage, 12)
      const held = await one.read(NOW)
      await finish(one, held.slice(6))
      await group.seek({ after: ids[3] ?? '' })
      assertAll(await one.commit(unitsOf(held.slice(0, 1))), 'refused')
      await one.renew()
      const again = await workToTheEnd(one)
      assert.deepEqual(new Set(idsOf(again)), new Set(ids.slice(4)))
      assertOrdered(storage, again)
      await group.seek('end')
      await one.renew()
      assert.deepEqual(await one.read(NOW), [])
      assert.equal((await storage.cursors.get('mine')) === undefined, true)
    }
  },
  {
    title:
      'partitioned.destroy: drops the group with all that it keeps; a new one begins without it; restore begins where it stood',
    async run(harness) {
      const storage = await harness.open()
      const { group, one } = await alone(storage)
      const ids = await appendSome(storage, 8)
      const held = (await readToTheEnd(one)).toSorted((a, b) => compareIn(storage, a.messageId, b.messageId))
      const [, , third] = held
      await one.commit([{ done: [], notes: { [third?.messageId ?? '']: 'a note' } }])
      await finish(one, held.slice(0, 2))
      await one.renew()
      assert.equal(await group.destroy(), true)
      assert.equal(await group.destroy(), false)
      assert.deepEqual(await storage.groupNames(), [])
      assertAll(await one.commit(unitsOf(held.slice(2))), 'refused')
      await rejectsWith(() => group.info(), 'not_found')
      await rejectsWith(() => group.seek('start'), 'not_found')
      assert.equal(await group.restore('start'), true)
      await one.renew()
      const again = await readToTheEnd(one)
      assert.deepEqual(new Set(idsOf(again)), new Set(ids.slice(2)))
      assert.ok(again.every(({ attachment, attempt }) => attachment === undefined && attempt === 1))
      await group.destroy()
      assert.deepEqual((await storage.log.trim({ maxLength: 0 })).guarded, false)
      await group.create('start')
      await one.renew()
      assert.deepEqual(await one.read(NOW), [])
    }
  },
  {
    title:
      'partitioned.create: a group that shared entry by entry is turned into one when it is drained; else group_conflict',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 6)
      const shared = storage.queue('group')
      await shared.create('start')
      const held = await shared.read('consumer', { limit: 3, waitMs: 0 })
      const group = partitionedOf(storage, 'group')
      await rejectsWith(() => group.create('start'), 'group_conflict')
      await shared.acknowledge('consumer', held)
      await rejectsWith(() => group.create('start'), 'group_conflict')
      await shared.removeConsumer('consumer')
      assert.equal(await group.create('start'), true)
      await rejectsWith(() => shared.info(), 'not_found')
      const one = member(storage, 'one')
      await one.renew()
      assert.deepEqual(new Set(idsOf(await one.read(NOW))), new Set(ids.slice(3)))
    }
  },
  {
    title:
      'partitioned.retire: destroys a drained group without members and says where it stood, until that is forgotten; else group_conflict',
    async run(harness) {
      const storage = await harness.open()
      const { group, one } = await alone(storage)
      const ids = await appendSome(storage, 8)
      const held = await one.read(NOW)
      await rejectsWith(() => group.retire(), 'group_conflict')
      await finish(one, held.slice(1))
      await one.leave()
      await rejectsWith(() => group.retire(), 'group_conflict')
      await one.renew()
      await workToTheEnd(one)
      await one.renew()
      await one.leave()
      assert.equal(await group.retire(), ids[7])
      assert.equal(await group.retire(), ids[7], 'until it is forgotten')
      assert.deepEqual([await storage.groupNames(), await group.exists()], [[], false])
      await group.forget()
      assert.equal(await group.retire(), undefined)
    }
  },
  {
    title: 'partitioned: groups whose names hold slashes keep apart',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 4)
      const names = ['a', 'a/m', 'a%2Fm', 'a/0']
      for (const name of names) {
        const group = partitionedOf(storage, name)
        await group.create('start')
        const one = group.join('m/0', { leaseMs: 60_000, cut: { partitions: 1, partitionOf: () => 0 } })
        await one.renew()
        assert.equal((await one.read(NOW)).length, 4, name)
      }
      const { groups, cursors } = await storage.log.info()
      assert.deepEqual(
        new Set(groups.map(({ name, consumers }) => `${name} ${consumers.length}`)),
        new Set(names.map((name) => `${name} 1`))
      )
      assert.deepEqual(cursors, [])
    }
  }
]
