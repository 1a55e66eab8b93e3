import assert from 'node:assert/strict'
import type { ShardDelivery } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { appendSome, idsOf } from './entries.ts'
import { eventually, pause, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import {
  AN_HOUR_MS,
  alone,
  assertOrdered,
  member,
  NOW,
  readToTheEnd,
  SHARDS,
  shardOf,
  twoMembers
} from './shard-group.ts'
import { share } from './sharding.ts'

const WAKE_MS = 2_000
/** Of a member that has much to do. */
const PAGE = { limit: 100, waitMs: 1_000 }
const BACKLOG = 6_000

export const shardMemberCases: readonly ConformanceCase[] = [
  {
    title: 'sharded.read: each member gets the entries of its shards, in log order within a shard, each once',
    async run(harness) {
      const { one, two, group } = await twoMembers(await harness.open())
      const log = await harness.open()
      const ids = await appendSome(log, 200)
      const [ofOne, ofTwo] = [await readToTheEnd(one), await readToTheEnd(two)]
      assert.deepEqual(new Set(idsOf([...ofOne, ...ofTwo])), new Set(ids))
      assert.equal(ofOne.length + ofTwo.length, 200)
      assert.ok(
        [...ofOne, ...ofTwo].every(({ attempt, shard, payload }) => attempt === 1 && shard === shardOf(payload))
      )
      for (const deliveries of [ofOne, ofTwo]) assertOrdered(log, deliveries)
      assert.equal(new Set(ofOne.map(({ shard }) => shard)).size, 2)
      assert.deepEqual(await one.read(NOW), [], 'what is in hand is not handed out again')
      assert.deepEqual(await one.acknowledge(ofOne), [])
      assert.deepEqual(await two.acknowledge(ofTwo), [])
      const { pending, lag } = await group.info()
      assert.deepEqual([pending, lag], [0, 0])
    }
  },
  {
    title:
      'sharded.read: waits for an entry of its shards, appended by this process or another, and no longer than it says',
    async run(harness) {
      const { one, two } = await twoMembers(await harness.open())
      const log = await harness.open()
      const before = performance.now()
      assert.deepEqual(await one.read({ limit: 1, waitMs: 150 }), [])
      assert.ok(performance.now() - before >= 100)
      const reads = Promise.all([one, two].map((member) => member.read({ limit: 10, waitMs: 10_000 })))
      await pause(30)
      await appendSome(log, SHARDS)
      const deliveries = (await within(WAKE_MS, 'the wake-up', reads)).flat()
      const rest = [...(await readToTheEnd(one)), ...(await readToTheEnd(two))]
      assert.equal(deliveries.length + rest.length, SHARDS)
      const abort = new AbortController()
      const read = one.read({ limit: 1, waitMs: 60_000, signal: abort.signal })
      await pause(20)
      abort.abort()
      assert.deepEqual(await within(WAKE_MS, 'the end of an aborted read', read), [])
    }
  },
  {
    title: 'sharded.giveUp: what is pending goes to the next member that has the shard, uncounted, with its note',
    async run(harness) {
      const log = await harness.open()
      const { group, one } = await alone(log)
      await appendSome(log, 8)
      const held = await one.read(NOW)
      const noted = held.find(({ shard }) => shard === 3)
      assert.ok(noted)
      await one.settle([{ ...noted, outcome: { kind: 'retry', note: 'not yet' } }])
      const two = member(log, 'two', AN_HOUR_MS)
      await two.renew()
      await one.giveUp([2, 3])
      const { held: tenures } = await two.renew()
      assert.deepEqual(
        tenures.map(({ shard }) => shard),
        [2, 3]
      )
      const inherited = await readToTheEnd(two)
      assert.deepEqual(
        new Set(inherited.map(({ payload, attempt, note }) => `${payload}, attempt ${attempt}, ${note}`)),
        new Set(
          held
            .filter(({ shard }) => shard >= 2)
            .map(({ messageId, payload }) => {
              return `${payload}, attempt 1, ${messageId === noted.messageId ? 'not yet' : undefined}`
            })
        )
      )
      const lost = await one.acknowledge(held)
      assert.deepEqual(new Set(lost), new Set(idsOf(inherited)))
      assert.equal((await group.info()).pending, 4)
    }
  },
  {
    title: 'sharded.renew: a shard that is surplus hands out nothing more',
    async run(harness) {
      const log = await harness.open()
      const { one } = await alone(log)
      const two = member(log, 'two', AN_HOUR_MS)
      await two.renew()
      const { surplus } = await one.renew()
      await appendSome(log, 8)
      const read = await readToTheEnd(one)
      assert.equal(read.length, 4)
      assert.ok(read.every(({ shard }) => !surplus.includes(shard)))
    }
  },
  {
    title: 'sharded.read: gets what was requeued from the dead letters, once more',
    async run(harness) {
      const log = await harness.open()
      const { one } = await alone(log)
      await appendSome(log, 8)
      const held = await readToTheEnd(one)
      const [first] = held
      assert.ok(first)
      const error = { message: 'No.', at: 1 }
      const letter = {
        consumer: 'one',
        handler: 'handler',
        eventType: null,
        payload: first.payload,
        kind: 'exhausted',
        attempts: 5,
        firstError: error,
        lastError: error
      } as const
      const [result] = await one.settle([{ ...first, outcome: { kind: 'dead', letter } }])
      assert.ok(result?.kind === 'settled' && result.letter)
      await one.acknowledge(held.slice(1))
      const { id } = result.letter
      const waiting = one.read({ limit: 10, waitMs: 10_000 })
      await pause(20)
      await log.deadLetters.requeue(id, { by: 'an operator', payload: 'mended 0' })
      const [again] = await within(5_000, 'the requeued entry', waiting)
      assert.deepEqual([again?.messageId, again?.payload, again?.attempt], [first.messageId, 'mended 0', 1])
    }
  },
  {
    title: 'sharded.read: gets what a member left that shared entry by entry, before what is new',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const ids = await appendSome(log, 8)
      await group.read('entry by entry', { limit: 6, waitMs: 0 })
      const one = member(log, 'one', 100)
      const read: ShardDelivery[] = []
      await eventually('all of them', async () => {
        await one.renew()
        read.push(...(await one.read(NOW)))
        return read.length >= 8
      })
      assert.deepEqual(new Set(idsOf(read)), new Set(ids))
      assertOrdered(log, read)
    }
  },
  {
    title: 'sharded.read: gets to what a dead member left long before the end of a backlog, in order',
    async run(harness) {
      const log = await harness.open()
      await log.group('group').create('start')
      const [one, two] = [member(log, 'one', 300), member(log, 'two', 300)]
      await share(one, two)
      await appendSome(log, 8)
      const left = new Set(idsOf(await readToTheEnd(one)))
      assert.equal(left.size, 4)
      await two.acknowledge(await readToTheEnd(two))
      await appendSome(log, BACKLOG, 8)
      const read = [...(await two.read(PAGE))]
      await eventually('the lease of the other to end', async () => (await two.renew()).held.length === SHARDS)
      while (left.size > 0 && read.length < BACKLOG / 2) {
        const page = await two.read(PAGE)
        await two.acknowledge(page)
        for (const { messageId } of page) left.delete(messageId)
        read.push(...page)
      }
      assert.equal(left.size, 0, `${left.size} of what was left did not come among ${read.length}`)
      assertOrdered(log, read)
    }
  },
  {
    title: 'sharded: the guard of trim keeps what its members have not acknowledged',
    async run(harness) {
      const log = await harness.open()
      const { one } = await alone(log)
      const ids = await appendSome(log, 8)
      const held = await one.read(NOW)
      await one.acknowledge(held.slice(0, 3))
      assert.deepEqual(await log.trim({ maxLength: 0 }), { removed: 3, lost: 0, lostByGroup: {}, guarded: true })
      assert.deepEqual(idsOf(await log.read({ limit: 10 })), ids.slice(3))
    }
  },
  {
    title: 'sharded: after a seek back the members get the entries once more, in order',
    async run(harness) {
      const log = await harness.open()
      const { group, one } = await alone(log)
      const ids = await appendSome(log, 12)
      await one.acknowledge(await one.read(NOW))
      await group.seek({ after: ids[3] ?? '' })
      const again: ShardDelivery[] = []
      await eventually('the entries once more', async () => {
        again.push(...(await one.read(NOW)))
        return again.length >= 8
      })
      assert.deepEqual(new Set(idsOf(again)), new Set(ids.slice(4)))
      assertOrdered(log, again)
    }
  },
  {
    title: 'sharded: processes that are killed leave nothing behind that another does not get, in order',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      await group.create('start')
      const options = { group: 'group', shards: SHARDS, leaseMs: 500 }
      await using left = await OtherProcess.start(harness)
      await using right = await OtherProcess.start(harness)
      left.begin('consumeShards', { ...options, member: 'left' })
      right.begin('consumeShards', { ...options, member: 'right' })
      const ids: string[] = []
      const append = async () => ids.push(...(await appendSome(log, 40, ids.length)))
      const seen = () => [...left.progress, ...right.progress] as ShardDelivery[]
      await eventually('both to work', async () => {
        await append()
        return left.progress.length > 20 && right.progress.length > 20
      })
      await left.kill()
      for (let batch = 0; batch < 5; batch += 1) await append()
      // What it says of the last ones comes after they are done.
      await eventually('the other to do it all, and to say so', async () => {
        const { pending, lag } = await group.info()
        return pending === 0 && lag === 0 && new Set(idsOf(seen())).size >= ids.length
      })
      assert.deepEqual(new Set(idsOf(seen())), new Set(ids))
      assertOrdered(log, firstOfEach(right.progress as ShardDelivery[]))
      const ofLeft = new Set(idsOf(left.progress as ShardDelivery[]))
      const twice = (right.progress as ShardDelivery[]).filter(({ messageId }) => ofLeft.has(messageId))
      assert.ok(twice.length <= 10, `${twice.length} came twice: more than were in hand`)
    }
  }
]

function firstOfEach(deliveries: readonly ShardDelivery[]): ShardDelivery[] {
  return [...new Map([...deliveries].reverse().map((delivery) => [delivery.messageId, delivery])).values()].reverse()
}
