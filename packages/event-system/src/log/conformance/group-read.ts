import assert from 'node:assert/strict'
import { appendSome, idsOf, readAll } from './entries.ts'
import { pause, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const NOW = { limit: 100, waitMs: 0 }
const WAKE_MS = 1_000

export const groupReadCases: readonly ConformanceCase[] = [
  {
    title: 'group.read: hands out in log order, at most limit, with attempt 1',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 10)
      const group = storage.queue('group')
      await group.create('start')
      const first = await group.read('consumer', { limit: 4, waitMs: 0 })
      const entries = await readAll(storage)
      assert.deepEqual(
        first,
        entries.slice(0, 4).map((entry) => ({ ...entry, attempt: 1 }))
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
        await logs[0].queue(name).create('start')
        const shares = await Promise.all(
          logs.map(async (storage, consumer) => {
            const share: string[] = []
            for (;;) {
              const deliveries = await storage.queue(name).read(`consumer-${consumer}`, { limit: 7, waitMs: 0 })
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
      const storage = await harness.open()
      const other = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      for (const appender of [storage, other, storage, other]) {
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
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      const reads = Array.from({ length: 5 }, (_, consumer) =>
        group.read(`consumer-${consumer}`, { limit: 1, waitMs: 10_000 })
      )
      await pause(20)
      const ids = await appendSome(await harness.open(), 5)
      const deliveries = await within(5_000, 'the wake-up of all', Promise.all(reads))
      assert.deepEqual(idsOf(deliveries.flat()).toSorted(), ids.toSorted())
    }
  },
  {
    title: 'group.read: resolves to nothing when the time is up',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
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
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      const abort = new AbortController()
      const read = group.read('consumer', { limit: 1, waitMs: 60_000, signal: abort.signal })
      await pause(30)
      abort.abort()
      assert.deepEqual(await within(WAKE_MS, 'the end of an aborted read', read), [])
      const ids = await appendSome(storage, 1)
      assert.deepEqual(await group.read('consumer', { ...NOW, signal: abort.signal }), [])
      assert.deepEqual(idsOf(await group.read('consumer', NOW)), ids)
    }
  },
  {
    title: 'group.read: a read that waits does not hold up other calls of the same handle',
    async run(harness) {
      const storage = await harness.open()
      await storage.queue('group').create('start')
      const abort = new AbortController()
      const reads = [1, 2, 3].map((consumer) =>
        storage.queue('group').read(`consumer-${consumer}`, { limit: 1, waitMs: 60_000, signal: abort.signal })
      )
      await pause(20)
      await within(WAKE_MS, 'a ping', storage.ping())
      await within(WAKE_MS, 'an info', storage.log.info())
      abort.abort()
      assert.deepEqual((await Promise.all(reads)).flat(), [])
    }
  }
]
