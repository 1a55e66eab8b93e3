import assert from 'node:assert/strict'
import type { Rewrite, Storage } from '../port.ts'
import { attachTo } from './attachments.ts'
import { put } from './collections.ts'
import { appendSome, handedOut, idsOf } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { labelledEntry, readPages } from './labelled.ts'

export const rewriteCases: readonly ConformanceCase[] = [
  {
    title: 'rewrite: writes another payload in the place of one, for every reader, and leaves all else as it is',
    needs: ({ absent }) => !absent.includes('rewrite'),
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = ''] = await appendSome(storage, 2)
      const before = (await storage.log.read({ limit: 10 })).entries
      const from = before[0]?.payload ?? ''
      assert.equal(await rewrite(storage, [{ messageId: first, from, to: 'x' }]), 1)
      const other = await harness.open()
      assert.deepEqual((await other.log.read({ limit: 10 })).entries, [{ ...before[0], payload: 'x' }, before[1]])
      assert.equal((await other.log.info()).length, 2)
      const bytes = Buffer.byteLength(before[1]?.payload ?? '') + 1
      assert.equal((await storage.log.trim({ maxBytes: bytes })).removed, 0)
      assert.deepEqual(await storage.log.trim({ maxBytes: Buffer.byteLength(before[1]?.payload ?? '') }), {
        removed: 1,
        lost: 0,
        lostByGroup: {},
        lostByCursor: {},
        guarded: false
      })
      assert.deepEqual(
        (await storage.log.read({ limit: 10 })).entries.map(({ messageId }) => messageId),
        [second]
      )
    }
  },
  {
    title: 'rewrite: an entry that has another payload by then, or has left the log, stays as it is',
    needs: ({ absent }) => !absent.includes('rewrite'),
    async run(harness) {
      const storage = await harness.open()
      const [first = ''] = await appendSome(storage, 1)
      const before = (await storage.log.read({ limit: 10 })).entries
      const rewrites = [first, '1-1'].map((messageId) => ({ messageId, from: 'not this', to: 'another' }))
      assert.equal(await rewrite(storage, rewrites), 0)
      assert.deepEqual((await storage.log.read({ limit: 10 })).entries, before)
    }
  },
  {
    title: 'rewrite: what a group keeps with an entry and what documents hold stay as they are, and no hold is lost',
    needs: ({ absent }) => !absent.includes('rewrite'),
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 1)
      const [messageId = ''] = ids
      const from = deliveries[0]?.payload ?? ''
      await attachTo(storage, deliveries, from)
      await put(storage, 'c', 'a', from)
      assert.equal(await rewrite(storage, [{ messageId, from, to: 'another' }]), 1)
      const [pending] = await group.pending({ limit: 10 })
      assert.equal(pending?.attachment, from)
      assert.equal((await storage.collections.get('c', ['a']))[0]?.value, from)
      const [claimed] = await group.claim('consumer', { minIdleMs: 0, limit: 10 })
      assert.deepEqual([claimed?.payload, claimed?.attachment], ['another', from])
      assert.equal(await rewrite(storage, [{ messageId, from: 'another', to: 'a third' }]), 1)
      assert.deepEqual(await group.acknowledge('consumer', claimed === undefined ? [] : [claimed]), [])
    }
  },
  {
    title: 'rewrite: gives an entry another key, in the index too',
    needs: ({ absent, features: { index } }) => index && !absent.includes('rewrite'),
    async run(harness) {
      const storage = await harness.open()
      const label = { eventType: 'prices', key: 'before' }
      const entries = Array.from({ length: 10_000 }, () => labelledEntry(label))
      const ids = idsOf(await storage.log.append(entries))
      await appendSome(storage, 1)
      const rewrites = [0, 9_999].map((at) => {
        const from = entries[at]?.payload ?? ''
        return { messageId: ids[at] ?? '', from, to: from, key: 'after' }
      })
      assert.equal(await rewrite(storage, rewrites), 2)
      const found = async (key: string) => idsOf(await readPages(storage, { keys: [key], limit: 5_000 }))
      assert.deepEqual(await found('after'), [ids[0], ids[9_999]])
      assert.deepEqual(await found('before'), ids.slice(1, 9_999))
      const byTime = await readPages(storage, { keys: ['after'], time: 'event', limit: 10 })
      assert.deepEqual(idsOf(byTime), [ids[0], ids[9_999]])
      const [one] = rewrites
      await rejectsWith(() => rewrite(storage, [{ ...one, key: '' } as Rewrite]), 'invalid_argument')
    }
  },
  {
    title: 'rewrite: takes at most 1,000 payloads in a call',
    needs: ({ absent }) => !absent.includes('rewrite'),
    async run(harness) {
      const storage = await harness.open()
      const one = { messageId: '1-1', from: '', to: '' }
      await rejectsWith(() => rewrite(storage, Array(1_001).fill(one)), 'invalid_argument')
      await rejectsWith(() => rewrite(storage, [{ ...one, messageId: 'nonsense' }]), 'invalid_message_id')
    }
  }
]

function rewrite({ log }: Storage, rewrites: readonly Rewrite[]): Promise<number> {
  assert.ok(log.rewrite, 'the log is declared to rewrite entries')
  return log.rewrite(rewrites)
}
