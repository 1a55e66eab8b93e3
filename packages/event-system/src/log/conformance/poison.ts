import assert from 'node:assert/strict'
import type { Entry } from '../port.ts'
import { committed } from './commit.ts'
import { requeue } from './commit-groups.ts'
import { appendSome } from './entries.ts'
import { eventually } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const AN_HOUR_MS = 3_600_000
const NOW = { limit: 100, waitMs: 0 }

/** Entries that another program wrote past the adapter, and that have no payload. */
export const poisonCases: readonly ConformanceCase[] = [
  {
    title:
      'poison: an entry that somebody else wrote is handed out with payload null and what it holds, and can be requeued',
    needs: ({ features: { foreignWriters } }) => foreignWriters,
    async run(harness) {
      const storage = await harness.open()
      assert.ok(harness.writeForeign, 'a log that declares foreign writers has a harness that writes as one')
      const group = storage.queue('group')
      await group.create('start')
      await appendSome(storage, 1)
      const messageId = await harness.writeForeign({ price: '1', note: 'größe' })
      await appendSome(storage, 1, 1)
      const isPoison = (entry: Entry) => entry.messageId === messageId
      const [{ appendedAt } = { appendedAt: 0 }] = await storage.log.get([messageId])
      const poison = { messageId, appendedAt, payload: null, raw: { price: '1', note: 'größe' } }
      assert.deepEqual(await storage.log.get([messageId]), [poison])
      const { entries } = await storage.log.read({ limit: 10 })
      assert.deepEqual(entries.find(isPoison), poison)
      const deliveries = await eventually('all three', async () => {
        const read = await group.read('consumer', NOW)
        return read.length === 3 && read
      })
      assert.deepEqual(deliveries.find(isPoison), { ...poison, attempt: 1 })
      const hold = { group: 'group', consumer: 'consumer', messageId, attempt: 1 }
      committed(await storage.commit([{ acknowledge: [hold] }]))
      committed(await storage.commit([{ requeue: [{ ...requeue(messageId), attachment: 'text' }] }]))
      const again = { ...poison, attempt: 1, attachment: 'text' }
      assert.deepEqual(await group.claim('heir', { minIdleMs: AN_HOUR_MS, limit: 1 }), [again])
    }
  },
  {
    title: 'poison: where nobody writes past the adapter, the harness has no way to, and every entry has a payload',
    needs: ({ features: { foreignWriters } }) => !foreignWriters,
    async run(harness) {
      const storage = await harness.open()
      assert.equal(harness.writeForeign, undefined)
      await appendSome(storage, 3)
      assert.ok(
        (await storage.log.read({ limit: 10 })).entries.every(
          ({ payload, raw }) => payload !== null && raw === undefined
        )
      )
    }
  }
]
