import assert from 'node:assert/strict'
import type { ShardDelivery } from '../port.ts'
import { appendSome, idsOf, newEventId, payloadsOf, readAll } from './entries.ts'
import { eventually } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { AN_HOUR_MS, alone, assertOrdered, member, NOW, readToTheEnd, SHARDS } from './shard-group.ts'

export const shardHoldCases: readonly ConformanceCase[] = [
  {
    title: 'sharded: who gets a shard gets what was pending of it first, and the former owner’s holds are lost',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const ids = await appendSome(log, 20)
      const one = member(log, 'one', 200)
      await one.renew()
      const held = await readToTheEnd(one)
      assert.deepEqual(new Set(idsOf(held)), new Set(ids))
      const two = member(log, 'two', AN_HOUR_MS)
      await eventually('the shards of the dead', async () => (await two.renew()).held.length === SHARDS)
      const more = await appendSome(log, 4, 20)
      const inherited = await readToTheEnd(two)
      assert.deepEqual(new Set(idsOf(inherited)), new Set([...ids, ...more]))
      assertOrdered(log, inherited)
      assert.ok(inherited.every(({ attempt, messageId }) => attempt === (ids.includes(messageId) ? 2 : 1)))
      assert.deepEqual(new Set(await one.acknowledge(held)), new Set(ids))
      const results = await one.settle(
        held.map((hold) => ({
          ...hold,
          outcome: { kind: 'done' },
          effects: [{ eventId: hold.messageId, step: 'effects', append: [effect('lost')] }]
        }))
      )
      assert.ok(results.every(({ kind }) => kind === 'lost'))
      assert.equal((await readAll(log)).length, 24)
      assert.deepEqual(await two.acknowledge(inherited), [])
    }
  },
  {
    title:
      'sharded.held: what a member holds, as it was handed out to it, with its note, and nothing of a shard that it lost',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const one = member(log, 'one', 200)
      await one.renew()
      await appendSome(log, 12)
      const deliveries = await readToTheEnd(one)
      const [first, second, ...others] = deliveries as [ShardDelivery, ShardDelivery, ...ShardDelivery[]]
      await one.settle([{ ...first, outcome: { kind: 'retry', note: 'a note' } }])
      await one.acknowledge([second])
      const inOrder = (some: readonly ShardDelivery[]) =>
        [...some].sort((a, b) => log.compare(a.messageId, b.messageId))
      assert.deepEqual(inOrder(await one.held(deliveries)), inOrder([{ ...first, note: 'a note' }, ...others]))
      assert.deepEqual(await one.held([{ ...first, attempt: 2 }]), [], 'of another attempt')
      assert.deepEqual(await one.held([]), [])
      const two = member(log, 'two', AN_HOUR_MS)
      await eventually('the shards of the dead', async () => (await two.renew()).held.length === SHARDS)
      assert.deepEqual(await one.held(deliveries), [], 'nobody has handed them out anew, and yet they are another’s')
      assert.deepEqual(await two.held(deliveries), [])
    }
  },
  {
    title: 'sharded.settle: done, dead and retry, with effects, as a group that shares entry by entry',
    async run(harness) {
      const log = await harness.open()
      const { group, one } = await alone(log)
      await appendSome(log, 3)
      const [first, second, third] = await one.read(NOW)
      assert.ok(first && second && third)
      const error = { message: 'No.', at: 1 }
      const letter = {
        consumer: 'one',
        handler: null,
        eventType: null,
        payload: second.payload,
        kind: 'rejected',
        attempts: 1,
        firstError: error,
        lastError: error
      } as const
      const effects = [{ eventId: 'e', step: 'effects', append: [effect('an effect')] }]
      const results = await one.settle([
        { ...first, outcome: { kind: 'done' }, effects },
        { ...second, outcome: { kind: 'dead', letter } },
        { ...third, outcome: { kind: 'retry', note: 'not yet' } }
      ])
      assert.ok(results.every(({ kind }) => kind === 'settled'))
      assert.deepEqual(payloadsOf(await readAll(log)).slice(3), ['an effect'])
      assert.deepEqual(idsOf(await log.deadLetters.list({ limit: 10 })), [second.messageId])
      assert.deepEqual(idsOf(await group.pending({ limit: 10 })), [third.messageId])
      assert.equal((await group.info()).retrying, 1)
    }
  }
]

function effect(payload: string) {
  return { eventId: newEventId(), eventType: 'order_executed', payload }
}
