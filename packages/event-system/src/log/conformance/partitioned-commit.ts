import assert from 'node:assert/strict'
import { appendSome, idsOf, newEventId, partitionedOf, payloadsOf, readAll } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import {
  alone,
  assertAll,
  assertOrdered,
  finish,
  heir,
  member,
  NOW,
  readToTheEnd,
  unitsOf,
  workToTheEnd
} from './partitioned-group.ts'

const LEASE_MS = 200

export const partitionedCommitCases: readonly ConformanceCase[] = [
  {
    title: 'partitioned.commit: a finished entry never comes again, finished in order or not, also to the next owner',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 40)
      const held = await one.read(NOW)
      const done = held.filter((_, i) => i % 3 !== 0)
      await finish(one, done.toReversed())
      const again = await one.commit(unitsOf(done.slice(0, 2)))
      assertAll(again, 'refused')
      await one.leave()
      const two = member(storage, 'two')
      await two.renew()
      const rest = await readToTheEnd(two)
      assert.deepEqual(new Set(idsOf(rest)), new Set(idsOf(held.filter((_, i) => i % 3 === 0))))
      assertOrdered(storage, rest)
    }
  },
  {
    title:
      'partitioned.commit: finishes an entry with entries that are appended and documents that are written, in one step',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 3)
      const [first, second, third] = await one.read(NOW)
      assert.ok(first && second && third)
      const results = await one.commit([
        { done: [first], append: { entries: [effect('an effect'), effect('another')] } },
        { done: [second], write: [{ collection: 'documents', id: 'a', value: 'of the second', expected: 0 }] },
        { done: [], notes: { [third.messageId]: 'not yet' } }
      ])
      assertAll(results, 'committed')
      const [ofFirst, ofSecond] = results
      assert.ok(ofFirst?.kind === 'committed' && ofSecond?.kind === 'committed')
      assert.equal(ofFirst.appended.length, 2)
      assert.deepEqual(ofFirst.revisions, [])
      assert.deepEqual(ofSecond.appended, [])
      const [document] = await storage.collections.get('documents', ['a'])
      assert.deepEqual([document?.value, document?.revision], ['of the second', ofSecond.revisions[0]])
      assert.deepEqual(payloadsOf(await readAll(storage)).slice(3), ['an effect', 'another'])
    }
  },
  {
    title:
      'partitioned.commit: a unit whose document is not as expected is refused alone, and its entry stays unfinished',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await storage.commit([{ write: [{ collection: 'documents', id: 'taken', value: 'by another' }] }])
      await appendSome(storage, 20)
      const held = (await one.read(NOW)).filter(({ partition }) => partition === 1)
      assert.equal(held.length, 5)
      const results = await one.commit(
        held.map((delivery, i) => ({
          done: [delivery],
          append: { entries: [effect(`effect ${i}`)] },
          write: [{ collection: 'documents', id: i === 2 ? 'taken' : `of ${i}`, value: 'mine', expected: 0 }]
        }))
      )
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['committed', 'committed', 'refused', 'committed', 'committed']
      )
      const [, , refused] = results
      assert.deepEqual(refused, { kind: 'refused', part: 'write', index: 0, reason: 'conflict' })
      const payloads = payloadsOf(await readAll(storage)).slice(20)
      assert.deepEqual(payloads, ['effect 0', 'effect 1', 'effect 3', 'effect 4'])
      assertAll(await one.commit(unitsOf(held.slice(2, 3))), 'committed')
    }
  },
  {
    title: 'partitioned.commit: two units of one call that expect the same document to be absent: one is refused',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 8)
      const [first, second] = (await one.read(NOW)).filter(({ partition }) => partition === 1)
      assert.ok(first && second)
      const write = [{ collection: 'documents', id: 'same', value: 'mine', expected: 0 }]
      const results = await one.commit([
        { done: [first], write },
        { done: [second], write }
      ])
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['committed', 'refused']
      )
    }
  },
  {
    title: 'partitioned.commit: a unit of a partition that was lost is refused with fenced, and nothing of it happens',
    async run(harness) {
      const storage = await harness.open()
      const group = partitionedOf(storage, 'group')
      await group.create('start')
      const ids = await appendSome(storage, 20)
      const one = member(storage, 'one', LEASE_MS)
      await one.renew()
      const held = await readToTheEnd(one)
      assert.deepEqual(new Set(idsOf(held)), new Set(ids))
      const two = member(storage, 'two')
      await heir(two)
      const results = await one.commit(
        held.map((delivery) => ({ done: [delivery], append: { entries: [effect('lost')] } }))
      )
      for (const result of results) assert.deepEqual(result.kind === 'refused' && result.reason, 'fenced')
      assert.equal((await readAll(storage)).length, 20)
      const inherited = await workToTheEnd(two)
      assert.deepEqual(new Set(idsOf(inherited)), new Set(ids))
      assertOrdered(storage, inherited)
    }
  },
  {
    title:
      'partitioned.commit: after a member died, entries that it may have begun come as attempt 2, and the others as attempt 1',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage, LEASE_MS)
      await appendSome(storage, 20)
      await readToTheEnd(one)
      const two = member(storage, 'two')
      await heir(two)
      const more = await appendSome(storage, 20, 20)
      const read = await workToTheEnd(two)
      assert.equal(read.length, 40)
      for (const { attempt, messageId } of read) assert.equal(attempt, more.includes(messageId) ? 1 : 2)
    }
  },
  {
    title:
      'partitioned.commit: the attempt of an entry that ends its members grows, and that of entries beside it does not grow with it',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage, LEASE_MS)
      const [, , , , , killer = ''] = await appendSome(storage, 16)
      await readToTheEnd(one)
      for (let dead = 1; dead <= 5; dead += 1) {
        const next = member(storage, `member ${dead}`, LEASE_MS)
        await heir(next)
        for (;;) {
          const page = await next.read({ limit: 10, waitMs: 100 })
          const last = page.find(({ messageId }) => messageId === killer)
          for (const { messageId, attempt } of page) {
            // The second to die makes its entries suspects: from then on it is counted what each had begun.
            if (messageId === killer) assert.equal(attempt, Math.max(2, dead))
            else assert.ok(attempt <= 3, `attempt ${attempt} of an entry that ended nobody`)
          }
          if (last !== undefined) break
          await finish(next, page)
        }
      }
    }
  },
  {
    title: 'partitioned.commit: units of no delivery, and of several partitions, are refused with invalid_argument',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 2)
      const done = await one.read(NOW)
      await rejectsWith(() => one.commit([{ done: [] }]), 'invalid_argument')
      await rejectsWith(() => one.commit([{ done }]), 'invalid_argument')
      assert.deepEqual(await one.commit([]), [])
      await finish(one, done)
    }
  }
]

function effect(payload: string) {
  return { eventId: newEventId(), eventType: 'order_executed', payload }
}
