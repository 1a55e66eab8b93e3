import assert from 'node:assert/strict'
import { appendSome, handedOut } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const error = { message: 'It failed.', at: 1 }

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
    title: 'rewrite: changes what a group was given instead of the payload, and dead letters, that have the same',
    needs: ({ rewritesEntries }) => rewritesEntries,
    async run(harness) {
      const { log, group, ids, deliveries } = await handedOut(await harness.open(), 2)
      const [messageId = ''] = ids
      const payload = deliveries[0]?.payload ?? ''
      for (const delivery of deliveries) {
        const letter = {
          kind: 'rejected',
          handler: null,
          eventType: null,
          attempts: 1,
          firstError: error,
          lastError: error
        } as const
        const outcome = {
          kind: 'dead',
          letter: { ...letter, consumer: 'consumer', payload: delivery.payload }
        } as const
        await group.settle('consumer', [{ ...delivery, outcome }])
      }
      const [letter, untouched] = await log.deadLetters.list({ limit: 10 })
      assert.equal(await log.rewrite([{ messageId, from: payload, to: 'anew' }]), 1)
      assert.deepEqual(await log.deadLetters.list({ limit: 10 }), [{ ...letter, payload: 'anew' }, untouched])
      await log.deadLetters.requeue(letter?.id ?? '', { by: 'op', payload: 'amended' })
      assert.equal(await log.rewrite([{ messageId, from: 'amended', to: 'amended anew' }]), 1)
      const [claimed] = await group.claim('heir', { minIdleMs: 0, limit: 10 })
      assert.equal(claimed?.payload, 'amended anew')
      assert.equal((await log.get([messageId]))[0]?.payload, 'anew')
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
