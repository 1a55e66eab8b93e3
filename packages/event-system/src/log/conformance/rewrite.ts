import assert from 'node:assert/strict'
import { attachTo } from './attachments.ts'
import { put } from './collections.ts'
import { appendSome, handedOut } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const rewriteCases: readonly ConformanceCase[] = [
  {
    title: 'rewrite: writes another payload in the place of one, for every reader, and leaves all else as it is',
    needs: ({ rewritesEntries }) => rewritesEntries,
    async run(harness) {
      const log = await harness.open()
      const [first = '', second = ''] = await appendSome(log, 2)
      const before = await log.read({ limit: 10 })
      const from = before[0]?.payload ?? ''
      assert.equal(await log.rewrite([{ messageId: first, from, to: 'x' }]), 1)
      const other = await harness.open()
      assert.deepEqual(await other.read({ limit: 10 }), [{ ...before[0], payload: 'x' }, before[1]])
      assert.equal((await other.info()).length, 2)
      const bytes = Buffer.byteLength(before[1]?.payload ?? '') + 1
      assert.equal((await log.trim({ maxBytes: bytes })).removed, 0)
      assert.deepEqual(await log.trim({ maxBytes: Buffer.byteLength(before[1]?.payload ?? '') }), {
        removed: 1,
        lost: 0,
        lostByGroup: {},
        guarded: false
      })
      assert.deepEqual(
        (await log.read({ limit: 10 })).map(({ messageId }) => messageId),
        [second]
      )
    }
  },
  {
    title: 'rewrite: an entry that has another payload by then, or has left the log, stays as it is',
    needs: ({ rewritesEntries }) => rewritesEntries,
    async run(harness) {
      const log = await harness.open()
      const [first = ''] = await appendSome(log, 1)
      const before = await log.read({ limit: 10 })
      const rewrites = [first, '1-1'].map((messageId) => ({ messageId, from: 'not this', to: 'another' }))
      assert.equal(await log.rewrite(rewrites), 0)
      assert.deepEqual(await log.read({ limit: 10 }), before)
    }
  },
  {
    title: 'rewrite: what a group keeps with an entry and what documents hold stay as they are, and no hold is lost',
    needs: ({ rewritesEntries }) => rewritesEntries,
    async run(harness) {
      const { log, group, ids, deliveries } = await handedOut(await harness.open(), 1)
      const [messageId = ''] = ids
      const from = deliveries[0]?.payload ?? ''
      await attachTo(log, deliveries, from)
      await put(log, 'c', 'a', from)
      assert.equal(await log.rewrite([{ messageId, from, to: 'another' }]), 1)
      const [pending] = await group.pending({ limit: 10 })
      assert.equal(pending?.attachment, from)
      assert.equal((await log.collections.get('c', ['a']))[0]?.value, from)
      const [claimed] = await group.claim('consumer', { minIdleMs: 0, limit: 10 })
      assert.deepEqual([claimed?.payload, claimed?.attachment], ['another', from])
      assert.equal(await log.rewrite([{ messageId, from: 'another', to: 'a third' }]), 1)
      assert.deepEqual(await group.acknowledge('consumer', claimed === undefined ? [] : [claimed]), [])
    }
  },
  {
    title: 'rewrite: takes at most 1,000 payloads in a call',
    needs: ({ rewritesEntries }) => rewritesEntries,
    async run(harness) {
      const log = await harness.open()
      const rewrite = { messageId: '1-1', from: '', to: '' }
      await rejectsWith(() => log.rewrite(Array(1_001).fill(rewrite)), 'invalid_argument')
      await rejectsWith(() => log.rewrite([{ ...rewrite, messageId: 'nonsense' }]), 'invalid_message_id')
    }
  },
  {
    title: 'rewrite: a log that does not rewrite its entries says so',
    needs: ({ rewritesEntries }) => !rewritesEntries,
    async run(harness) {
      const log = await harness.open()
      await rejectsWith(() => log.rewrite([]), 'unsupported')
    }
  }
]
