import assert from 'node:assert/strict'
import type { PartitionDelivery, Storage } from '../port.ts'
import { appendSome, idsOf, partitionedOf } from './entries.ts'
import { pause, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import {
  alone,
  assertOrdered,
  finish,
  heir,
  member,
  NOW,
  PARTITIONS,
  readToTheEnd,
  share,
  twoMembers,
  workToTheEnd
} from './partitioned-group.ts'

const WAKE_MS = 2_000
const BACKLOG = 6_000

export const partitionedReadCases: readonly ConformanceCase[] = [
  {
    title:
      'partitioned.read: each member gets the entries of its partitions, in log order within a partition, each once',
    async run(harness) {
      const { one, two, group } = await twoMembers(await harness.open())
      const storage = await harness.open()
      const ids = await appendSome(storage, 200)
      const [ofOne, ofTwo] = [await readToTheEnd(one), await readToTheEnd(two)]
      assert.deepEqual(new Set(idsOf([...ofOne, ...ofTwo])), new Set(ids))
      assert.equal(ofOne.length + ofTwo.length, 200)
      for (const { attempt, partition, payload } of [...ofOne, ...ofTwo]) {
        assert.deepEqual([attempt, partition], [1, Number(payload?.split(' ')[1]) % PARTITIONS])
      }
      for (const deliveries of [ofOne, ofTwo]) assertOrdered(storage, deliveries)
      assert.equal(new Set(ofOne.map(({ partition }) => partition)).size, 2)
      assert.deepEqual(await one.read(NOW), [], 'an entry in flight is not handed out again')
      await finish(one, ofOne)
      await finish(two, ofTwo)
      await one.renew()
      await two.renew()
      const { pending, lag } = await group.info()
      assert.deepEqual([pending, lag], [0, 0])
    }
  },
  {
    title:
      'partitioned.read: waits for an entry of its partitions, appended by this process or another, and no longer than it says',
    async run(harness) {
      const { one, two } = await twoMembers(await harness.open())
      const storage = await harness.open()
      const before = performance.now()
      assert.deepEqual(await one.read({ limit: 1, waitMs: 150 }), [])
      assert.ok(performance.now() - before >= 100)
      const reads = Promise.all([one, two].map((each) => each.read({ limit: 10, waitMs: 10_000 })))
      await pause(30)
      await appendSome(storage, PARTITIONS)
      const deliveries = (await within(WAKE_MS, 'the wake-up', reads)).flat()
      const rest = [...(await readToTheEnd(one)), ...(await readToTheEnd(two))]
      assert.equal(deliveries.length + rest.length, PARTITIONS)
      const abort = new AbortController()
      const read = one.read({ limit: 1, waitMs: 60_000, signal: abort.signal })
      await pause(20)
      abort.abort()
      assert.deepEqual(await within(WAKE_MS, 'the end of an aborted read', read), [])
    }
  },
  {
    title: 'partitioned.read: a read that waits goes on with partitions that the member gets meanwhile',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 8)
      const two = member(storage, 'two')
      await two.renew()
      const read = two.read({ limit: 1, waitMs: 10_000 })
      await one.giveUp((await one.renew()).surplus)
      await two.renew()
      assert.equal((await within(WAKE_MS, 'the entries of the new partitions', read)).length, 1)
    }
  },
  {
    title:
      'partitioned.giveUp: the next owner gets what is unfinished, uncounted, with its note, and not what was finished',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendSome(storage, 16)
      const held = await one.read(NOW)
      const ofTwo = held.filter(({ partition }) => partition === 3)
      const [noted, second, third] = ofTwo
      assert.ok(noted && second && third)
      await finish(one, [second])
      await one.commit([{ done: [], notes: { [noted.messageId]: 'not yet' } }])
      const two = member(storage, 'two')
      await two.renew()
      await one.giveUp([2, 3])
      const { owned } = await two.renew()
      assert.deepEqual(
        owned.map(({ partition }) => partition),
        [2, 3]
      )
      const inherited = await readToTheEnd(two)
      const expected = held.filter((one) => one.partition >= 2 && one !== second)
      assert.deepEqual(new Set(idsOf(inherited)), new Set(idsOf(expected)))
      assertOrdered(storage, inherited)
      for (const { messageId, attempt, attachment } of inherited) {
        assert.deepEqual([attempt, attachment], [1, messageId === noted.messageId ? 'not yet' : undefined])
      }
      const results = await one.commit(held.filter((one) => one !== second).map((one) => ({ done: [one] })))
      const refused = results.filter(({ kind }) => kind === 'refused')
      assert.equal(refused.length, expected.length, 'the former owner has lost them')
    }
  },
  {
    title: 'partitioned.renew: a partition that is surplus hands out nothing more',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      const two = member(storage, 'two')
      await two.renew()
      const { surplus } = await one.renew()
      await appendSome(storage, 8)
      const read = await readToTheEnd(one)
      assert.equal(read.length, 4)
      assert.ok(read.every(({ partition }) => !surplus.includes(partition)))
    }
  },
  {
    title:
      'partitioned.read: gets a requeued entry once more, as attempt 1 with its attachment, before new ones of its partition',
    async run(harness) {
      const storage = await harness.open()
      const { group, one } = await alone(storage)
      const [first = ''] = await appendSome(storage, 4)
      await workToTheEnd(one)
      await storage.commit([{ write: [group.requeue(first, 'mended')] }])
      await appendSome(storage, 4, 4)
      assert.equal((await group.info()).pending, 1)
      await one.renew()
      const read = await readToTheEnd(one)
      const ofPartition = read.filter(({ partition }) => partition === 0)
      assert.deepEqual(
        ofPartition.map(({ payload, attempt, attachment }) => [payload, attempt, attachment]),
        [
          ['entry 0', 1, 'mended'],
          ['entry 4', 1, undefined]
        ]
      )
      await one.giveUp([0, 1, 2, 3])
      await one.renew()
      const again = await readToTheEnd(one)
      assert.deepEqual(new Set(idsOf(again)), new Set(idsOf(read)), 'until it is finished, the next owner gets it')
      await finish(one, again)
      await one.renew()
      assert.deepEqual(await one.read(NOW), [])
      assert.equal((await group.info()).pending, 0)
    }
  },
  {
    title: 'partitioned.read: drops a requeued entry that the log has no more',
    async run(harness) {
      const storage = await harness.open()
      const { group, one } = await alone(storage)
      const [first = ''] = await appendSome(storage, 4)
      await workToTheEnd(one)
      await storage.commit([{ write: [group.requeue(first)] }])
      await storage.log.remove([first], { force: true })
      await one.renew()
      assert.deepEqual(await one.read(NOW), [])
      assert.equal((await group.info()).pending, 0)
    }
  },
  {
    title: 'partitioned.read: gets to what a dead member left long before the end of a backlog, in order',
    async run(harness) {
      const storage = await harness.open()
      await partitionedOf(storage, 'group').create('start')
      const [one, two] = [member(storage, 'one', 300), member(storage, 'two', 300)]
      await share(one, two)
      await appendSome(storage, 8)
      const left = new Set(idsOf(await readToTheEnd(one)))
      assert.equal(left.size, 4)
      await workToTheEnd(two)
      await appendLarge(storage, BACKLOG, 8)
      await two.read({ limit: 100, waitMs: 0 })
      await heir(two)
      const read: PartitionDelivery[] = []
      while (left.size > 0 && read.length < BACKLOG / 2) {
        const page = await two.read({ limit: 100, waitMs: 1_000 })
        await finish(two, page)
        for (const { messageId } of page) left.delete(messageId)
        read.push(...page)
      }
      assert.equal(left.size, 0, `${left.size} of what was left did not come among ${read.length}`)
      assertOrdered(storage, read)
    }
  },
  {
    title: 'partitioned.read: a partition whose entries nobody finishes keeps no other from being read',
    async run(harness) {
      const storage = await harness.open()
      const { one } = await alone(storage)
      await appendLarge(storage, BACKLOG, 0)
      const ofOthers = new Set<string>()
      while (ofOthers.size < (BACKLOG * 3) / 4) {
        const page = await one.read({ limit: 500, waitMs: 1_000 })
        assert.ok(page.length > 0, `nothing came after ${ofOthers.size} of the other partitions`)
        const others = page.filter(({ partition }) => partition > 0)
        await finish(one, others)
        for (const { messageId } of others) ofOthers.add(messageId)
      }
    }
  },
  {
    title: 'partitioned.read: an error of the cut loses no entry',
    async run(harness) {
      const storage = await harness.open()
      const group = partitionedOf(storage, 'group')
      await group.create('start')
      let isReady = false
      const partitionOf = () => {
        if (!isReady) throw new Error('not yet')
        return 0
      }
      const one = group.join('one', { leaseMs: 60_000, cut: { partitions: 1, partitionOf } })
      await one.renew()
      const ids = await appendSome(storage, 3)
      await assert.rejects(one.read({ limit: 10, waitMs: 1_000 }), /not yet/)
      isReady = true
      assert.deepEqual(idsOf(await one.read({ limit: 10, waitMs: 1_000 })), ids)
    }
  }
]

async function appendLarge(storage: Storage, count: number, first: number): Promise<void> {
  for (let done = 0; done < count; done += 1_000) await appendSome(storage, Math.min(1_000, count - done), first + done)
}
