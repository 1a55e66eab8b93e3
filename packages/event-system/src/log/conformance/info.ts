import assert from 'node:assert/strict'
import { appendSome, readAll, someEntries } from './entries.ts'
import { eventually, pause } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const infoCases: readonly ConformanceCase[] = [
  {
    title: 'info: of an empty log',
    async run(harness) {
      const info = await (await harness.open()).log.info()
      const { length, first, last, groups, deduplicationEntries } = info
      assert.deepEqual(
        { length, first, last, groups, deduplicationEntries },
        { length: 0, first: null, last: null, groups: [], deduplicationEntries: 0 }
      )
    }
  },
  {
    title: 'info: length, first and last entry with their times, bytes, groups, what the deduplication window holds',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const entries = someEntries(10)
      const ids = (await storage.log.append(entries)).map(({ messageId }) => messageId)
      await storage.log.append(entries)
      await storage.queue('left').create('start')
      await storage.queue('right').create('end')
      await storage.queue('left').read('consumer', { limit: 4, waitMs: 0 })
      const info = await (await harness.open()).log.info()
      const places = (await readAll(storage)).map(({ messageId, appendedAt }) => ({ messageId, appendedAt }))
      assert.deepEqual([info.length, info.first, info.last], [10, places[0], places[9]])
      assert.ok(info.bytes > 0)
      assert.equal(info.deduplicationEntries, 10)
      const groups = info.groups.toSorted((a, b) => a.name.localeCompare(b.name))
      assert.deepEqual(
        groups.map(({ name, pending, lag, lastDelivered }) => ({ name, pending, lag, lastDelivered })),
        [
          { name: 'left', pending: 4, lag: 6, lastDelivered: ids[3] },
          { name: 'right', pending: 0, lag: 0, lastDelivered: ids[9] }
        ]
      )
    }
  },
  {
    title: 'groupNames: of every group, and of no other, also in an empty log',
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual(await storage.groupNames(), [])
      await storage.queue('left').create('start')
      await storage.queue('right').create('end')
      await appendSome(storage, 3)
      await storage.queue('gone').create('start')
      await storage.queue('gone').destroy()
      assert.deepEqual((await (await harness.open()).groupNames()).sort(), ['left', 'right'])
    }
  },
  {
    title: 'info: after a trim, the first entry is the oldest that is left, and length and lag say what is there',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 10)
      await storage.queue('group').create('start')
      await storage.log.trim({ maxLength: 4 }, { force: true })
      const info = await storage.log.info()
      assert.deepEqual([info.length, info.first?.messageId, info.last?.messageId], [4, ids[6], ids[9]])
      assert.ok(info.groups[0]?.lag === 4 || info.groups[0]?.lag === null, 'the lag is right, or declared unknown')
    }
  },
  {
    title: 'info: the lag is right where entries were removed before and behind the place of a group',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 10)
      const group = storage.queue('group')
      await group.create('start')
      const read = async (limit: number) => group.acknowledge('one', await group.read('one', { limit, waitMs: 0 }))
      await read(1)
      await storage.log.remove([ids[1] ?? ''], { force: true })
      await read(2)
      assert.equal((await group.info()).lag, 6)
      await storage.log.remove([ids[5] ?? ''], { force: true })
      assert.equal((await group.info()).lag, 5)
      await appendSome(storage, 1)
      await read(6)
      assert.equal((await group.info()).lag, 0)
      await appendSome(storage, 2)
      assert.equal((await group.info()).lag, 2)
    }
  },
  {
    title: 'info: the lag is right where many of a long backlog were removed from its middle',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 1_500)
      const group = storage.queue('group')
      await group.create('start')
      await group.acknowledge('one', await group.read('one', { limit: 50, waitMs: 0 }))
      await storage.log.remove(ids.slice(100, 300), { force: true })
      assert.equal((await group.info()).lag, 1_250)
    }
  },
  {
    title: 'info: the deduplication window lets go of what is older than it',
    async run(harness) {
      const storage = await harness.open({ deduplicationWindowMs: 100 })
      await appendSome(storage, 10)
      await eventually('a window without them', async () => {
        await pause(110)
        await appendSome(storage, 1)
        return (await storage.log.info()).deduplicationEntries < 10
      })
    }
  },
  {
    title: 'ping: resolves when the log answers',
    async run(harness) {
      const storage = await harness.open()
      assert.equal(await storage.ping(), undefined)
    }
  }
]
