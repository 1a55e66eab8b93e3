import assert from 'node:assert/strict'
import { committed } from './commit.ts'
import { appendSome, idsOf, someEntries } from './entries.ts'
import { PATIENCE_MS, pause, rejectsWith, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

/** How soon a log whose place cannot be reached says so, in ms. */
const QUICKLY_MS = 5_000

export const lifetimeCases: readonly ConformanceCase[] = [
  {
    title: 'start: the handle says what it is, where, and what it declares',
    async run(harness) {
      const log = await harness.open()
      assert.match(log.kind, /^\w+$/)
      assert.notEqual(log.location, '')
      assert.deepEqual(log.features, harness.features)
    }
  },
  {
    title: 'start: a handle that is opened while others work sees what they wrote',
    async run(harness) {
      const log = await harness.open()
      const ids = await appendSome(log, 3)
      assert.deepEqual(idsOf(await (await harness.open()).read({ limit: 10 })), ids)
    }
  },
  {
    title: 'start, ping, append: a log whose place cannot be reached rejects with log_unavailable, quickly',
    async run(harness) {
      const log = await harness.unreachable()
      try {
        const started = await within(QUICKLY_MS, 'the start', Promise.allSettled([log.start()]))
        if (started[0].status === 'rejected') {
          const { reason } = started[0]
          const error = await rejectsWith(() => Promise.reject(reason), 'log_unavailable')
          assert.equal(error.retryable, true)
        } else {
          const calls = [
            () => log.ping(),
            () => log.append(someEntries(1)),
            () => log.read({ limit: 1 }),
            () => log.info()
          ]
          for (const call of calls) await within(QUICKLY_MS, 'a call', rejectsWith(call, 'log_unavailable'))
        }
      } finally {
        await within(PATIENCE_MS, 'the close', log.close({ timeoutMs: 1_000 }))
      }
    }
  },
  {
    title: 'close: is idempotent; later calls reject with closed',
    async run(harness) {
      const log = await harness.open()
      const [messageId = ''] = await appendSome(log, 1)
      const group = log.group('group')
      await group.create('start')
      await Promise.all([log.close(), log.close({ timeoutMs: 10 })])
      await log.close()
      const calls = [
        () => log.append(someEntries(1)),
        () => log.append(someEntries(1), { expected: [{ key: 'key', version: 0 }] }),
        () => log.versionOf('key'),
        () => log.read({ limit: 1 }),
        () => log.get([messageId]),
        () => log.tail('start')[Symbol.asyncIterator]().next(),
        () => log.trim({ maxLength: 0 }),
        () => log.info(),
        () => log.ping(),
        () => log.commit([{ write: [{ collection: 'c', id: 'a', value: 'one' }] }]),
        () => log.collections.list('c', { limit: 1 }),
        () => log.collections.get('c', ['a']),
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
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const read = group.read('consumer', { limit: 1, waitMs: 60_000 }).catch((error) => error.code)
      await pause(30)
      const append = log.append(someEntries(5)).then(
        () => true,
        () => false
      )
      await within(PATIENCE_MS, 'the close', log.close({ timeoutMs: 2_000 }))
      const outcome = await within(PATIENCE_MS, 'the end of a read that waited', read)
      assert.ok(outcome === 'closed' || Array.isArray(outcome), String(outcome))
      const stored = (await (await harness.open()).read({ limit: 10 })).length
      if (await append) assert.equal(stored, 5)
      else assert.ok(stored === 0 || stored === 5)
    }
  },
  {
    title:
      'restart: on the same data, ids go on, groups, pending entries with their attachments, documents and the deduplication window are there',
    needs: ({ persistent }) => persistent,
    async run(harness) {
      const before = await harness.open()
      const entries = someEntries(5)
      const ids = idsOf(await before.append(entries))
      const group = before.group('group')
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
      assert.deepEqual(idsOf(await after.read({ limit: 10 })), ids)
      assert.deepEqual(
        await after.append(entries),
        ids.map((messageId) => ({ messageId, duplicate: true }))
      )
      const [next = ''] = await appendSome(after, 1)
      assert.ok(after.compare(ids[4] ?? '', next) < 0)
      const pending = await after.group('group').pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ messageId, attachment }) => [messageId, attachment]),
        [
          [ids[1], 'text'],
          [ids[2], undefined]
        ]
      )
      assert.deepEqual(idsOf(await after.group('group').read('consumer', { limit: 10, waitMs: 0 })), [
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
    needs: ({ persistent }) => !persistent,
    async run(harness) {
      const before = await harness.open()
      await appendSome(before, 3)
      await before.close()
      assert.deepEqual(await (await harness.open()).read({ limit: 10 }), [])
    }
  }
]
