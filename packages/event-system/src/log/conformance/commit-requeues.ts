import assert from 'node:assert/strict'
import type { Storage, Unit, UnitResult } from '../port.ts'
import { committed } from './commit.ts'
import { handedOut, idsOf } from './entries.ts'
import type { ConformanceCase } from './harness.ts'

const GROUP = 'group'
const ALL = { minIdleMs: 0, limit: 1_000 }

import { done, refused, requeue } from './commit-groups.ts'

/** The entries that units make pending again. */
export const commitRequeueCases: readonly ConformanceCase[] = [
  {
    title: 'commit: requeue makes an entry pending in this group only, as attempt 1, whoever held it',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 4)
      const other = storage.queue('other')
      await other.create('start')
      await other.acknowledge('consumer', await other.read('consumer', { limit: 10, waitMs: 0 }))
      await group.acknowledge('consumer', deliveries.slice(0, 2))
      await group.claim('consumer', { minIdleMs: 0, limit: 10 })
      committed(await storage.commit([{ requeue: [requeue(ids[0]), requeue(ids[2])] }]))
      const pending = await group.pending({ limit: 10 })
      assert.deepEqual(
        pending.map(({ messageId, consumer, deliveries }) => [messageId, consumer, deliveries]),
        [
          [ids[0], '', 0],
          [ids[2], '', 0],
          [ids[3], 'consumer', 2]
        ]
      )
      assert.deepEqual(await group.acknowledge('consumer', [{ messageId: ids[2] ?? '', attempt: 2 }]), [ids[2]])
      const claimed = await group.claim('heir', { minIdleMs: 600_000, limit: 10 })
      assert.deepEqual(
        claimed.map(({ messageId, attempt, payload }) => [messageId, attempt, payload]),
        [
          [ids[0], 1, 'entry 0'],
          [ids[2], 1, 'entry 2']
        ]
      )
      assert.deepEqual(await other.pending({ limit: 10 }), [])
      assert.deepEqual(await other.claim('heir', ALL), [])
    }
  },
  {
    title: 'commit: of two that requeue what one document says, one is committed, and the other changes nothing',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 20)
      const other = await harness.open()
      const bury = deliveries.map(
        (delivery): Unit => ({
          acknowledge: [done(delivery)],
          write: [{ collection: 'letters', id: delivery.messageId, value: 'dead', expected: 0 }]
        })
      )
      for (const { kind } of await storage.commit(bury)) assert.equal(kind, 'committed')
      const letters = await storage.collections.get('letters', ids)
      const units = (mark: string) =>
        letters.map(
          (letter): Unit => ({
            requeue: [{ ...requeue(letter?.id), attachment: mark }],
            write: [
              { collection: 'letters', id: letter?.id ?? '', value: null, expected: letter?.revision ?? 0 },
              { collection: 'actions', id: letter?.id ?? '', value: mark }
            ]
          })
        )
      const commitEach = async (each: Storage, mark: string) => {
        const results: UnitResult[] = []
        for (const unit of units(mark)) results.push(...(await each.commit([unit])))
        return results
      }
      const [left, right] = await Promise.all([commitEach(storage, 'left'), commitEach(other, 'right')])
      for (const [i, { kind }] of left.entries()) {
        const loser = kind === 'committed' ? right[i] : left[i]
        assert.deepEqual(loser, refused('write', 0, 'conflict'))
        assert.equal(kind === 'committed' ? kind : right[i]?.kind, 'committed')
      }
      const actions = await storage.collections.list('actions', { limit: 100 })
      const claimed = await group.claim('heir', ALL)
      assert.deepEqual(
        claimed.map(({ messageId, attempt, attachment }) => [messageId, attempt, attachment]),
        ids.flatMap((messageId) => actions.filter(({ id }) => id === messageId)).map(({ id, value }) => [id, 1, value])
      )
      assert.equal(claimed.length, 20)
      assert.equal(await storage.collections.count('letters'), 0)
    }
  },
  {
    title: 'commit: a requeue of an entry that left the log, or into a group that is gone, is refused',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 3)
      await group.acknowledge('consumer', deliveries)
      await storage.log.trim({ maxLength: 2 })
      await storage.log.remove([ids[2] ?? ''])
      const gone = { ...requeue(ids[1]), group: 'no such group' }
      const rest: Unit = { write: [{ collection: 'actions', id: 'a', value: 'requeued' }] }
      const results = await storage.commit([
        { requeue: [requeue(ids[0])], ...rest },
        { requeue: [requeue(ids[1]), requeue(ids[2])], ...rest },
        { requeue: [gone], ...rest },
        { requeue: [requeue(ids[1]), { ...requeue(ids[0]), group: 'no such group' }], ...rest }
      ])
      assert.deepEqual(results, [
        refused('requeue', 0, 'entry_trimmed'),
        refused('requeue', 1, 'entry_trimmed'),
        refused('requeue', 0, 'not_found'),
        refused('requeue', 1, 'not_found')
      ])
      assert.deepEqual(await group.pending({ limit: 10 }), [])
      assert.equal(await storage.collections.revision('actions'), 0)
      assert.deepEqual(await storage.groupNames(), [GROUP])
    }
  },
  {
    title: 'commit: later units see what earlier ones acknowledged and requeued',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 2)
      const acknowledge = [done(deliveries[0])]
      const results = await storage.commit([
        { acknowledge },
        { acknowledge },
        { requeue: [requeue(ids[0]), requeue(ids[1])] },
        { acknowledge: [done(deliveries[1])] },
        { requeue: [requeue(ids[0])] }
      ])
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['committed', 'refused', 'committed', 'refused', 'committed']
      )
      assert.deepEqual(idsOf(await group.claim('heir', ALL)), ids)
    }
  },
  {
    title: 'commit: what is acknowledged no longer keeps trim from it, and what is requeued does',
    async run(harness) {
      const { storage, ids, deliveries } = await handedOut(await harness.open(), 3)
      committed(await storage.commit([{ acknowledge: deliveries.map((delivery) => done(delivery)) }]))
      assert.equal((await storage.log.trim({ maxLength: 0 }, { dryRun: true })).removed, 3)
      committed(await storage.commit([{ requeue: [requeue(ids[1])] }]))
      const expected = { removed: 1, lost: 0, lostByGroup: {}, lostByCursor: {}, guarded: true }
      assert.deepEqual(await storage.log.trim({ maxLength: 0 }), expected)
    }
  }
]
