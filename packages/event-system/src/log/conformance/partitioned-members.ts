import assert from 'node:assert/strict'
import type { PartitionDelivery } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { appendSome, idsOf, partitionedOf } from './entries.ts'
import { eventually, pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import {
  alone,
  assertOrdered,
  finish,
  heir,
  member,
  NOW,
  PARTITIONS,
  share,
  workToTheEnd
} from './partitioned-group.ts'

const LEASE_MS = 400

export const partitionedMemberCases: readonly ConformanceCase[] = [
  {
    title: 'partitioned.renew: the first call joins; alone, a member owns every partition and keeps the epochs',
    async run(harness) {
      const { one } = await alone(await harness.open())
      const { owned, surplus } = await one.renew()
      assert.deepEqual(
        owned.map(({ partition }) => partition),
        [0, 1, 2, 3]
      )
      assert.deepEqual(surplus, [])
      assert.deepEqual(await one.renew(), { owned, surplus })
    }
  },
  {
    title: 'partitioned.renew: a member that joins gets its share when it is given up, and nothing else moves',
    async run(harness) {
      const { one } = await alone(await harness.open())
      const two = member(await harness.open(), 'two')
      const before = (await one.renew()).owned
      assert.deepEqual(await two.renew(), { owned: [], surplus: [] })
      const { owned, surplus } = await one.renew()
      assert.deepEqual(owned, before)
      assert.equal(surplus.length, 2)
      await one.giveUp(surplus)
      const ofTwo = (await two.renew()).owned
      assert.deepEqual(
        ofTwo.map(({ partition }) => partition),
        surplus
      )
      assert.deepEqual(
        (await one.renew()).owned,
        before.filter(({ partition }) => !surplus.includes(partition))
      )
      for (const { partition, epoch } of ofTwo) {
        assert.ok(epoch > (before.find((one) => one.partition === partition)?.epoch ?? 0))
      }
    }
  },
  {
    title:
      'partitioned.renew: a member that has not renewed for leaseMs is taken for dead, and the others get its partitions',
    async run(harness) {
      const storage = await harness.open()
      await partitionedOf(storage, 'group').create('start')
      const [one, two] = [member(storage, 'one', LEASE_MS), member(storage, 'two', LEASE_MS)]
      await share(one, two)
      const joined = performance.now()
      await heir(two)
      assert.ok(performance.now() - joined >= LEASE_MS / 2)
      assert.deepEqual((await one.renew()).owned, [], 'a member that comes late has nothing until another gives up')
    }
  },
  {
    title: 'partitioned.leave: gives up every partition at once and leaves the group; idempotent',
    async run(harness) {
      const storage = await harness.open()
      await partitionedOf(storage, 'group').create('start')
      const [one, two] = [member(storage, 'one'), member(storage, 'two')]
      await share(one, two)
      await one.leave()
      await one.leave()
      assert.equal((await two.renew()).owned.length, PARTITIONS)
      const { consumers } = await partitionedOf(storage, 'group').info()
      assert.deepEqual(
        consumers.map(({ name }) => name),
        ['two']
      )
    }
  },
  {
    title:
      'partitioned.renew: another number of partitions only when no member lives and nothing is pending; else group_conflict',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 4)
      const { one } = await alone(storage)
      const deliveries = await one.read(NOW)
      assert.equal(deliveries.length, 4)
      const two = member(storage, 'two', LEASE_MS, 3)
      await rejectsWith(() => two.renew(), 'group_conflict')
      await finish(one, deliveries.slice(1))
      await one.leave()
      await rejectsWith(() => two.renew(), 'group_conflict')
      await one.renew()
      await workToTheEnd(one)
      await rejectsWith(() => two.renew(), 'group_conflict')
      await one.renew()
      await one.leave()
      assert.equal((await two.renew()).owned.length, 3)
      const ids = await appendSome(storage, 6)
      assert.deepEqual(new Set(idsOf(await workToTheEnd(two))), new Set(ids))
      await rejectsWith(() => one.renew(), 'group_conflict')
      await two.renew()
      assert.deepEqual(
        (await storage.log.trim({ maxLength: 0 })).guarded,
        false,
        'no cursor of the fourth partition is left'
      )
    }
  },
  {
    title: 'partitioned.renew: more members than partitions: some wait, and one takes over when another leaves',
    async run(harness) {
      const storage = await harness.open()
      await partitionedOf(storage, 'group').create('start')
      const [one, two, three] = ['one', 'two', 'three'].map((name) => member(storage, name, 60_000, 2))
      assert.ok(one && two && three)
      for (let round = 0; round < 3; round += 1) {
        for (const each of [one, two, three]) await each.giveUp((await each.renew()).surplus)
      }
      const waiting = (await two.renew()).owned.length === 0 ? two : three
      assert.deepEqual((await waiting.renew()).owned, [])
      await one.leave()
      assert.equal((await waiting.renew()).owned.length, 1)
    }
  },
  {
    title: 'partitioned: members that all join at once divide the group once',
    async run(harness) {
      const storage = await harness.open()
      await partitionedOf(storage, 'group').create('start')
      const members = Array.from({ length: 4 }, (_, i) => member(storage, `member ${i}`, 60_000))
      await Promise.all(members.map((each) => each.renew()))
      const counts = await eventually('the shares', async () => {
        const owned = []
        for (const each of members) {
          const { surplus, owned: has } = await each.renew()
          await each.giveUp(surplus)
          owned.push(has.length)
        }
        return owned.every((count) => count === 1) && owned
      })
      assert.equal(counts.length, PARTITIONS)
    }
  },
  {
    title:
      'partitioned: a group that was destroyed under its members and made again takes them, and a new one, at once',
    async run(harness) {
      const storage = await harness.open()
      const group = partitionedOf(storage, 'group')
      await group.create('start')
      const [one, two, three] = ['one', 'two', 'three'].map((name) => member(storage, name, 60_000))
      assert.ok(one && two && three)
      for (const each of [one, two]) await each.giveUp((await each.renew()).surplus)
      await group.destroy()
      await group.create('start')
      await Promise.all([three, one, two].map((each) => each.renew()))
      await eventually('every partition to have an owner', async () => {
        const shares = []
        for (const each of [one, two, three]) {
          const { owned, surplus } = await each.renew()
          await each.giveUp(surplus)
          shares.push(owned.length)
        }
        return shares.every((share) => share > 0) && shares.reduce((sum, share) => sum + share) === PARTITIONS
      })
    }
  },
  {
    title: 'partitioned: without the group, rejects with not_found; once it is there, goes on with greater epochs',
    async run(harness) {
      const storage = await harness.open()
      const group = partitionedOf(storage, 'group')
      const one = member(storage, 'one')
      await rejectsWith(() => one.renew(), 'not_found')
      await group.create('start')
      const [before] = (await one.renew()).owned
      await group.destroy()
      await rejectsWith(() => one.renew(), 'not_found')
      await rejectsWith(() => one.read({ limit: 1, waitMs: 1_000 }), 'not_found')
      await group.create('start')
      await pause(2)
      const { owned } = await one.renew()
      assert.equal(owned.length, PARTITIONS)
      assert.ok((owned[0]?.epoch ?? 0) > (before?.epoch ?? Number.POSITIVE_INFINITY))
    }
  },
  {
    title:
      'partitioned: a killed process leaves its partitions to the other, which goes on in order and misses nothing',
    async run(harness) {
      const storage = await harness.open()
      const group = partitionedOf(storage, 'group')
      await group.create('start')
      const options = { group: 'group', partitions: PARTITIONS, leaseMs: 500 }
      await using left = await OtherProcess.start(harness)
      await using right = await OtherProcess.start(harness)
      left.begin('consumePartitions', { ...options, member: 'left' })
      right.begin('consumePartitions', { ...options, member: 'right' })
      const ids: string[] = []
      const append = async () => ids.push(...(await appendSome(storage, 40, ids.length)))
      const seen = () => [...left.progress, ...right.progress] as PartitionDelivery[]
      await eventually('both to work', async () => {
        // No more than they keep up with: what one of them is left with must not grow with the time that both take to begin.
        if (seen().length >= ids.length - 100) await append()
        return left.progress.length > 20 && right.progress.length > 20
      })
      await left.kill()
      for (let batch = 0; batch < 5; batch += 1) await append()
      // A report of the last ones comes after they are done.
      await eventually('the other to do it all, and to say so', async () => {
        const { pending, lag } = await group.info()
        return pending === 0 && lag === 0 && new Set(idsOf(seen())).size >= ids.length
      })
      assert.deepEqual(new Set(idsOf(seen())), new Set(ids))
      assertOrdered(storage, firstOfEach(right.progress as PartitionDelivery[]))
      const ofLeft = new Set(idsOf(left.progress as PartitionDelivery[]))
      const twice = (right.progress as PartitionDelivery[]).filter(({ messageId }) => ofLeft.has(messageId))
      assert.ok(twice.length <= 10, `${twice.length} came twice: more than were in flight`)
    }
  }
]

function firstOfEach(deliveries: readonly PartitionDelivery[]): PartitionDelivery[] {
  return [...new Map([...deliveries].reverse().map((delivery) => [delivery.messageId, delivery])).values()].reverse()
}
