import assert from 'node:assert/strict'
import { appendSome, behind, handedOut, idsOf } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const ALL = { limit: 1_000 }

export const removeCases: readonly ConformanceCase[] = [
  {
    title: 'remove: removes these entries, wherever they stand; those that are not there are left out',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 6)
      const some = [ids[1] ?? '', ids[3] ?? '', ids[4] ?? '']
      const expected = { removed: 3, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: false }
      assert.deepEqual(await storage.log.remove([...some, '1-1'], { dryRun: true }), expected)
      assert.equal((await storage.log.info()).length, 6)
      assert.deepEqual(await storage.log.remove([...some, '1-1']), expected)
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), [ids[0], ids[2], ids[5]])
      assert.equal((await storage.log.info()).length, 3)
      assert.deepEqual(await storage.log.remove(some), {
        removed: 0,
        lost: 0,
        lostByGroup: {},
        lostByCursor: {},
        guarded: false
      })
      assert.deepEqual(await storage.log.remove([]), {
        removed: 0,
        lost: 0,
        lostByGroup: {},
        lostByCursor: {},
        guarded: false
      })
    }
  },
  {
    title: 'remove: what a group has not acknowledged stays, unless force',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 4)
      const more = await appendSome(storage, 2, 4)
      await group.acknowledge('consumer', deliveries.slice(0, 2))
      const asked = [ids[0] ?? '', ids[2] ?? '', more[0] ?? '']
      assert.deepEqual(await storage.log.remove(asked), {
        removed: 1,
        lost: 0,
        lostByGroup: {},
        lostByCursor: {},
        guarded: true
      })
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), [...ids.slice(1), ...more])
      const lost = { removed: 2, lost: 2, lostByGroup: { group: 2 }, lostByCursor: {}, guarded: false }
      assert.deepEqual(await storage.log.remove(asked, { force: true, dryRun: true }), lost)
      assert.deepEqual(await storage.log.remove(asked, { force: true }), lost)
      assert.deepEqual(idsOf(await group.claim('heir', { minIdleMs: 0, limit: 10 })), [ids[3]])
      assert.deepEqual(idsOf(await group.read('heir', { limit: 10, waitMs: 0 })), more.slice(1))
    }
  },
  {
    title: 'remove: what a guarding cursor has not passed stays, unless force; it is counted by its name',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 6)
      await storage.cursors.create('guard', { after: await behind(storage, ids[2]) })
      await storage.cursors.create('lax', 'start', { guards: false })
      const asked = [ids[1] ?? '', ids[3] ?? '', ids[5] ?? '']
      const kept = { removed: 1, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: true }
      assert.deepEqual(await storage.log.remove(asked, { dryRun: true }), kept)
      assert.deepEqual(await storage.log.remove(asked), kept)
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), [ids[0], ...ids.slice(2)])
      const lost = { removed: 2, lost: 2, lostByGroup: {}, lostByCursor: { guard: 2 }, guarded: false }
      assert.deepEqual(await storage.log.remove(asked, { force: true, dryRun: true }), lost)
      assert.deepEqual(await storage.log.remove(asked, { force: true }), lost)
      assert.deepEqual(idsOf((await storage.log.read(ALL)).entries), [ids[0], ids[2], ids[4]])
    }
  },
  {
    title: 'remove: takes at most 10,000 message ids in a call',
    async run(harness) {
      const storage = await harness.open()
      const tooMany = Array.from({ length: 10_001 }, (_, i) => `1-${i}`)
      await rejectsWith(() => storage.log.remove(tooMany), 'invalid_argument')
      await rejectsWith(() => storage.log.remove(['nonsense']), 'invalid_message_id')
    }
  }
]
