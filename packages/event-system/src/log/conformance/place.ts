import assert from 'node:assert/strict'
import { appendSome, handedOut, idsOf } from './entries.ts'
import type { ConformanceCase } from './harness.ts'

const NOW = { limit: 100, waitMs: 0 }

export const placeCases: readonly ConformanceCase[] = [
  {
    title: 'group.restore: creates the group where it stood when somebody last called keepPlace',
    async run(harness) {
      const { log, group, ids, deliveries } = await handedOut(await harness.open(), 4)
      await group.acknowledge('consumer', [...deliveries.slice(0, 1), ...deliveries.slice(2)])
      await group.keepPlace()
      await group.acknowledge('consumer', deliveries.slice(1))
      await group.destroy()
      const more = await appendSome(log, 2, 4)
      assert.equal(await group.restore('end'), true)
      assert.deepEqual(
        idsOf(await group.read('consumer', NOW)),
        [...ids.slice(1), ...more],
        'behind the first unacknowledged'
      )
    }
  },
  {
    title: 'group.restore: where all was acknowledged, behind what was handed out; or where it was last created',
    async run(harness) {
      const { log, group, deliveries } = await handedOut(await harness.open(), 3)
      await group.acknowledge('consumer', deliveries)
      await group.keepPlace()
      await group.destroy()
      const more = await appendSome(log, 2, 3)
      assert.equal(await group.restore('start'), true)
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), more)
      await group.destroy()
      await group.create({ after: more[0] ?? '' })
      await group.destroy()
      await group.restore('start')
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), more.slice(1))
    }
  },
  {
    title: 'group.restore: at the fallback when nothing is known of it; false, and nothing changed, when it exists',
    async run(harness) {
      const log = await harness.open()
      const ids = await appendSome(log, 3)
      const group = log.group('unknown')
      assert.equal(await group.restore({ after: ids[0] ?? '' }), true)
      assert.equal(await group.restore('start'), false)
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids.slice(1))
    }
  }
]
