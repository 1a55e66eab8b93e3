import assert from 'node:assert/strict'
import type { Delivery, Storage, Unit, UnitResult } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { committed } from './commit.ts'
import { appendSome, handedOut, idsOf, payloadsOf, readAll, someEntries } from './entries.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const GROUP = 'group'
const ALL = { minIdleMs: 0, limit: 1_000 }

/** The entries that units acknowledge. Attachments: `attachmentCases`. */
export const commitGroupCases: readonly ConformanceCase[] = [
  {
    title: 'commit: acknowledge marks entries done that the consumer holds, in one step with the rest of the unit',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 4)
      const other = storage.queue('größe 💱')
      await other.create('start')
      const [theirs] = await other.read('consumer', { limit: 1, waitMs: 0 })
      const unit: Unit = {
        acknowledge: [
          ...deliveries.slice(0, 2).map((delivery) => done(delivery)),
          { ...done(theirs), group: 'größe 💱' }
        ],
        append: { entries: someEntries(1, 4) },
        write: [{ collection: 'steps', id: 'a', value: 'done', expected: 0 }]
      }
      committed(await storage.commit([unit]))
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), ids.slice(2))
      assert.deepEqual(await other.pending({ limit: 10 }), [])
      assert.deepEqual(idsOf(await group.claim('heir', ALL)), ids.slice(2))
      assert.equal((await readAll(storage)).length, 5)
      assert.equal((await storage.collections.get('steps', ['a']))[0]?.value, 'done')
      assert.deepEqual(await storage.commit([unit]), [refused('acknowledge', 0, 'hold_lost')])
    }
  },
  {
    title: 'commit: a unit whose hold is lost is refused with hold_lost, nothing of it happens, and it stops no other',
    async run(harness) {
      const { storage, group, deliveries } = await handedOut(await harness.open(), 5)
      const [taken, again, finished, kept, mine] = deliveries
      await group.claim('heir', { minIdleMs: 0, limit: 1 })
      await group.release('consumer', again === undefined ? [] : [again], { delayMs: 1 })
      const [second] = await eventually('the second attempt', async () => {
        const claimed = await group.claim('consumer', { minIdleMs: 600_000, limit: 1 })
        return claimed.length > 0 && claimed
      })
      await group.acknowledge('consumer', finished === undefined ? [] : [finished])
      const lost = [
        done(taken),
        done(taken, { attempt: 2 }),
        done(again),
        done(finished),
        done(kept, { attempt: 2 }),
        done(kept, { consumer: 'heir' }),
        done(kept, { group: 'no such group' })
      ]
      const rest = (): Unit => ({
        append: { entries: someEntries(1) },
        write: [{ collection: 'steps', id: 'a', value: 'lost' }]
      })
      const results = await storage.commit([
        ...lost.map((hold) => ({ acknowledge: [done(mine), hold], ...rest() })),
        { acknowledge: [done(kept), done(second)] }
      ])
      assert.deepEqual(results, [
        ...lost.map(() => refused('acknowledge', 1, 'hold_lost')),
        { kind: 'committed', appended: [], revisions: [] }
      ])
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), idsOf([taken, mine] as Delivery[]))
      assert.equal((await readAll(storage)).length, 5)
      assert.equal(await storage.collections.revision('steps'), 0)
    }
  },
  {
    title: 'commit: the hold is lost when the group was dropped, and when it was made again',
    async run(harness) {
      const { storage, group, deliveries } = await handedOut(await harness.open(), 1)
      const unit: Unit = { acknowledge: [done(deliveries[0])], append: { entries: someEntries(1) } }
      await group.destroy()
      assert.deepEqual(await storage.commit([unit]), [refused('acknowledge', 0, 'hold_lost')])
      await group.create('start')
      assert.deepEqual(await storage.commit([unit]), [refused('acknowledge', 0, 'hold_lost')])
      assert.equal((await readAll(storage)).length, 1)
    }
  },
  {
    title: 'commit: of two that race to acknowledge the same entries, each is committed once, with what it appends',
    async run(harness) {
      const { storage, deliveries } = await handedOut(await harness.open(), 60)
      const other = await harness.open()
      const commit = async (each: Storage) => {
        const results: UnitResult[] = []
        for (let i = 0; i < deliveries.length; i += 5) {
          const units = deliveries
            .slice(i, i + 5)
            .map((delivery): Unit => ({ acknowledge: [done(delivery)], append: { entries: someEntries(1) } }))
          results.push(...(await each.commit(units)))
        }
        return results
      }
      const [left, right] = await Promise.all([commit(storage), commit(other)])
      for (const [i, { kind }] of left.entries()) assert.notEqual(kind, right[i]?.kind)
      assert.equal((await readAll(storage)).length, 120)
    }
  },
  {
    title: 'commit: a refusal names the first condition that did not hold, where several parts concern groups',
    async run(harness) {
      const { storage, ids, deliveries } = await handedOut(await harness.open(), 3)
      const wrong = {
        fence: [{ lease: 'none', token: 1 }],
        acknowledge: [done(deliveries[0]), done(deliveries[1], { attempt: 7 })],
        attach: [{ group: GROUP, messageId: ids[2] ?? '', text: 'text', if: { from: 'none' } }],
        requeue: [requeue('1-1')],
        cursors: [{ name: 'none', to: '0-0' }]
      } satisfies Unit
      const { fence: _f, ...withoutFence } = wrong
      const { acknowledge: _a, ...withoutAcknowledge } = withoutFence
      const { attach: _t, ...withoutAttach } = withoutAcknowledge
      const { requeue: _r, ...withoutRequeue } = withoutAttach
      const results = await storage.commit([wrong, withoutFence, withoutAcknowledge, withoutAttach, withoutRequeue])
      assert.deepEqual(results, [
        refused('fence', 0, 'fenced'),
        refused('acknowledge', 1, 'hold_lost'),
        refused('attach', 0, 'conflict'),
        refused('requeue', 0, 'entry_trimmed'),
        refused('cursors', 0, 'not_found')
      ])
    }
  },
  {
    title: 'commit: what names no entry of a group is refused, and nothing of the call happens',
    async run(harness) {
      const { storage, group, ids, deliveries } = await handedOut(await harness.open(), 2)
      const [first = '', second = ''] = ids
      const attach = { group: GROUP, messageId: second, text: 'text', if: { consumer: 'consumer', attempt: 1 } }
      const right: Unit = { acknowledge: [done(deliveries[0])], attach: [attach] }
      const wrong: Unit[] = [
        { acknowledge: [done(deliveries[0], { group: '' })] },
        { acknowledge: [done(deliveries[0], { consumer: '' })] },
        { acknowledge: [done(deliveries[0], { attempt: 1.5 })] },
        { attach: [{ ...attach, group: '' }] },
        { attach: [{ ...attach, if: { consumer: '', attempt: 1 } }] },
        { attach: [{ ...attach, if: { consumer: 'consumer', attempt: Number.NaN } }] },
        { requeue: [requeue(first), requeue(first)] },
        { requeue: [{ ...requeue(first), group: '' }] },
        { acknowledge: [done(deliveries[1])], attach: [attach] },
        { attach: [attach], requeue: [requeue(second)] }
      ]
      for (const unit of wrong) await rejectsWith(() => storage.commit([right, unit]), 'invalid_argument')
      for (const unit of [
        { acknowledge: [done(deliveries[0], { messageId: 'nonsense' })] },
        { attach: [{ ...attach, messageId: 'nonsense' }] },
        { requeue: [requeue('nonsense')] }
      ]) {
        await rejectsWith(() => storage.commit([right, unit]), 'invalid_message_id')
      }
      const pending = await group.pending({ limit: 10 })
      assert.deepEqual(idsOf(pending), ids)
      assert.ok(pending.every(({ attachment }) => attachment === undefined))
    }
  },
  {
    title:
      'commit: a consumer that is killed while it commits leaves each entry acknowledged with all that its unit wrote, or with nothing of it',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue(GROUP)
      await group.create('start')
      for (let round = 0; round < 3; round += 1) {
        const ids = await appendSome(storage, 400)
        await using other = await OtherProcess.start(harness)
        other.begin('acknowledgeInUnits', { group: GROUP, consumer: `victim-${round}` })
        await eventually('some commits', () => other.progress.length >= 3 + round)
        await other.kill()
        const unread = await group.read('heir', { limit: 1_000, waitMs: 0 })
        const pending = new Set(idsOf(await group.pending({ limit: 10_000 })))
        const effects = payloadsOf(await readAll(storage)).filter((payload) => payload?.startsWith('effect of '))
        for (const id of ids) {
          const made = effects.filter((payload) => payload === `effect of ${id}`).length
          assert.equal(made, pending.has(id) ? 0 : 1, `the entry ${id} has ${made} effects`)
          const [step] = await storage.collections.get('steps', [id])
          assert.equal(step?.value, pending.has(id) ? undefined : 'done')
        }
        await group.acknowledge('heir', unread)
        await group.acknowledge('heir', await group.claim('heir', { minIdleMs: 0, limit: 10_000 }))
      }
    }
  }
]

/** That the consumer of {@link handedOut} is done with it. */
export function done(delivery: Delivery | undefined, more: Partial<NonNullable<Unit['acknowledge']>[number]> = {}) {
  assert.ok(delivery)
  const { messageId, attempt } = delivery
  return { group: GROUP, consumer: 'consumer', messageId, attempt, ...more }
}

export function requeue(messageId: string | undefined) {
  return { group: GROUP, messageId: messageId ?? '' }
}

export function refused(
  part: Extract<UnitResult, { kind: 'refused' }>['part'],
  index: number,
  reason: Extract<UnitResult, { kind: 'refused' }>['reason']
): UnitResult {
  return { kind: 'refused', part, index, reason }
}
