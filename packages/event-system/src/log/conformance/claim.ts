import assert from 'node:assert/strict'
import { appendSome, handedOut, idsOf } from './entries.ts'
import { eventually, pause } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000

export const claimCases: readonly ConformanceCase[] = [
  {
    title: 'claim: takes over pending entries only when they were idle for minIdleMs',
    async run(harness) {
      const { group, ids } = await handedOut(await harness.open(), 3)
      const before = performance.now()
      assert.deepEqual(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 10 }), [])
      const claimed = new Set<string>()
      // Not all of them need to have been handed out in the same millisecond.
      await eventually('a claim of all', async () => {
        const deliveries = await group.claim('heir', { minIdleMs: 200, limit: 10 })
        if (deliveries.length > 0) assert.ok(performance.now() - before >= 150)
        const page = idsOf(deliveries)
        assert.deepEqual(
          page,
          ids.filter((id) => page.includes(id))
        )
        for (const id of page) claimed.add(id)
        return claimed.size === ids.length
      })
      assert.deepEqual(claimed, new Set(ids))
      assert.deepEqual(
        await group.claim('another', { minIdleMs: 60_000, limit: 10 }),
        [],
        'a claim starts the idle time anew'
      )
    }
  },
  {
    title: 'claim: whoever held them, in log order, at most limit, and counts a delivery for each',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 5)
      await appendSome(storage, 2, 5)
      const more = idsOf(await group.read('another', { limit: 10, waitMs: 0 }))
      assert.deepEqual(await group.claim('heir', { minIdleMs: 0, limit: 2 }), [
        { ...deliveries[0], attempt: 2 },
        { ...deliveries[1], attempt: 2 }
      ])
      const all = await group.claim('another', { minIdleMs: 0, limit: 100 })
      assert.deepEqual(idsOf(all), [...ids, ...more])
      assert.deepEqual(
        all.map(({ attempt }) => attempt),
        [3, 3, 2, 2, 2, 2, 2]
      )
      const pending = await group.pending({ limit: 100 })
      assert.ok(pending.every(({ consumer }) => consumer === 'another'))
      assert.deepEqual(
        pending.map(({ deliveries }) => deliveries),
        [3, 3, 2, 2, 2, 2, 2]
      )
    }
  },
  {
    title: 'claim: of two that race, each entry goes to one',
    async run(harness) {
      const { storage, ids } = await handedOut(await harness.open(), 100)
      const other = await harness.open()
      await pause(120)
      const claims = await Promise.all(
        [storage, other, storage, other].map((each, index) =>
          each.queue('group').claim(`heir-${index}`, { minIdleMs: 100, limit: 40 })
        )
      )
      const claimed = idsOf(claims.flat())
      assert.equal(new Set(claimed).size, claimed.length)
      assert.deepEqual(new Set(claimed), new Set(ids))
    }
  },
  {
    title: 'claim: an entry that was trimmed meanwhile is dropped from the pending list and not returned',
    async run(harness) {
      const { storage, group, ids } = await handedOut(await harness.open(), 5)
      await storage.log.trim({ maxLength: 2 }, { force: true })
      assert.deepEqual(idsOf(await group.claim('heir', { minIdleMs: 0, limit: 100 })), ids.slice(3))
      assert.deepEqual(idsOf(await group.pending({ limit: 100 })), ids.slice(3))
      assert.equal((await group.info()).pending, 2)
    }
  },
  {
    title: 'claim: only those that heldBy held, behind after',
    async run(harness) {
      const { storage, group, ids } = await handedOut(await harness.open(), 3)
      await appendSome(storage, 2, 3)
      const others = idsOf(await group.read('another', { limit: 10, waitMs: 0 }))
      const own = { minIdleMs: 0, limit: 2, heldBy: 'consumer' }
      assert.deepEqual(idsOf(await group.claim('consumer', own)), ids.slice(0, 2))
      assert.deepEqual(idsOf(await group.claim('consumer', { ...own, after: ids[1] ?? '' })), ids.slice(2))
      assert.deepEqual(await group.claim('consumer', { ...own, after: ids[2] ?? '' }), [])
      assert.deepEqual(await group.claim('consumer', { ...own, heldBy: 'nobody' }), [])
      const pending = await group.pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ messageId, consumer, deliveries }) => [messageId, consumer, deliveries]),
        [...ids.map((id) => [id, 'consumer', 2]), ...others.map((id) => [id, 'another', 1])]
      )
    }
  }
]
