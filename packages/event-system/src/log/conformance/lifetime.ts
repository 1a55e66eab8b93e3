import assert from 'node:assert/strict'
import { committed } from './commit.ts'
import { appendSome, assertGrowing, idsOf, someEntries } from './entries.ts'
import { PATIENCE_MS, pause, rejectsWith, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

/** How soon a log whose place cannot be reached says so, in ms. */
const QUICKLY_MS = 5_000

export const lifetimeCases: readonly ConformanceCase[] = [
  {
    title: 'start: the handle says what it is, where, and what it declares',
    async run(harness) {
      const storage = await harness.open()
      assert.match(storage.kind, /^\w+$/)
      assert.notEqual(storage.location, '')
      assert.deepEqual(storage.features, harness.features)
    }
  },
  {
    title: 'start: a handle that is opened while others work sees what they wrote',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 3)
      assert.deepEqual(idsOf((await (await harness.open()).log.read({ limit: 10 })).entries), ids)
    }
  },
  {
    title: 'start, ping, append: a log whose place cannot be reached rejects with log_unavailable, quickly',
    async run(harness) {
      const storage = await harness.unreachable()
      try {
        const started = await within(QUICKLY_MS, 'the start', Promise.allSettled([storage.start()]))
        if (started[0].status === 'rejected') {
          const { reason } = started[0]
          const error = await rejectsWith(() => Promise.reject(reason), 'log_unavailable')
          assert.equal(error.retryable, true)
        } else {
          const calls = [
            () => storage.ping(),
            () => storage.log.append(someEntries(1)),
            () => storage.log.read({ limit: 1 }),
            () => storage.log.info()
          ]
          for (const call of calls) await within(QUICKLY_MS, 'a call', rejectsWith(call, 'log_unavailable'))
        }
      } finally {
        await within(PATIENCE_MS, 'the close', storage.close({ timeoutMs: 1_000 }))
      }
    }
  },
  {
    title: 'close: is idempotent; later calls reject with closed',
    async run(harness) {
      const storage = await harness.open()
      const [messageId = ''] = await appendSome(storage, 1)
      const group = storage.queue('group')
      await group.create('start')
      await Promise.all([storage.close(), storage.close({ timeoutMs: 10 })])
      await storage.close()
      const calls = [
        () => storage.log.append(someEntries(1)),
        () => storage.log.append(someEntries(1), { expected: [{ key: 'key', version: 0 }] }),
        () => storage.log.versionOf('key'),
        () => storage.log.read({ limit: 1 }),
        () => storage.log.get([messageId]),
        () => storage.log.tail('start')[Symbol.asyncIterator]().next(),
        () => storage.log.trim({ maxLength: 0 }),
        () => storage.log.info(),
        () => storage.ping(),
        () => storage.commit([{ write: [{ collection: 'c', id: 'a', value: 'one' }] }]),
        () => storage.collections.list('c', { limit: 1 }),
        () => storage.collections.get('c', ['a']),
        () => group.create('start'),
        () => group.read('consumer', { limit: 1, waitMs: 100 }),
        () => group.acknowledge('consumer', [{ messageId, attempt: 1 }]),
        () => group.claim('consumer', { minIdleMs: 0, limit: 1 }),
        () => group.info()
      ]
      for (const call of calls) await rejectsWith(call, 'closed')
    }
  },
  {
    title: 'close: what was under way is done or rejects; a read that waits ends',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      const read = group.read('consumer', { limit: 1, waitMs: 60_000 }).catch((error) => error.code)
      await pause(30)
      const append = storage.log.append(someEntries(5)).then(
        () => true,
        () => false
      )
      await within(PATIENCE_MS, 'the close', storage.close({ timeoutMs: 2_000 }))
      const outcome = await within(PATIENCE_MS, 'the end of a read that waited', read)
      assert.ok(outcome === 'closed' || Array.isArray(outcome), String(outcome))
      const stored = (await (await harness.open()).log.read({ limit: 10 })).entries.length
      if (await append) assert.equal(stored, 5)
      else assert.ok(stored === 0 || stored === 5)
    }
  },
  {
    title:
      'restart: on the same data, ids go on, groups, pending entries with their attachments, documents and the deduplication window are there',
    needs: ({ features: { persistent } }) => persistent,
    async run(harness) {
      const before = await harness.open()
      const entries = someEntries(5)
      const ids = idsOf(await before.log.append(entries))
      const group = before.queue('group')
      await group.create('start')
      await group.read('consumer', { limit: 3, waitMs: 0 })
      const hold = { group: 'group', consumer: 'consumer', attempt: 1 }
      const results = await before.commit([
        {
          acknowledge: [{ ...hold, messageId: ids[0] ?? '' }],
          attach: [{ group: 'group', messageId: ids[1] ?? '', text: 'text', if: { consumer: 'consumer', attempt: 1 } }],
          write: [{ collection: 'c', id: 'a', value: 'one' }]
        }
      ])
      const { revisions } = committed(results)
      await before.close()

      const after = await harness.open()
      assert.deepEqual(idsOf((await after.log.read({ limit: 10 })).entries), ids)
      assert.deepEqual(
        await after.log.append(entries),
        ids.map((messageId) => ({ messageId, duplicate: true }))
      )
      const [next = ''] = await appendSome(after, 1)
      assertGrowing(after, [...ids, next])
      const pending = await after.queue('group').pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ messageId, attachment }) => [messageId, attachment]),
        [
          [ids[1], 'text'],
          [ids[2], undefined]
        ]
      )
      assert.deepEqual(idsOf(await after.queue('group').read('consumer', { limit: 10, waitMs: 0 })), [
        ...ids.slice(3),
        next
      ])
      assert.deepEqual(await after.collections.list('c', { limit: 10 }), [
        { id: 'a', value: 'one', revision: revisions[0] }
      ])
    }
  },
  {
    title: 'restart: where data does not outlive the process, a new start finds an empty log',
    needs: ({ features: { persistent } }) => !persistent,
    async run(harness) {
      const before = await harness.open()
      await appendSome(before, 3)
      await before.close()
      assert.deepEqual((await (await harness.open()).log.read({ limit: 10 })).entries, [])
    }
  }
]
