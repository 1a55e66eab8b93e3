import assert from 'node:assert/strict'
import type { EventLog, ShardMember } from '../port.ts'
import { appendSome, shardOfPayload } from './entries.ts'
import { eventually, pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const SHARDS = 4
const LEASE_MS = 400

export const shardingCases: readonly ConformanceCase[] = [
  {
    title: 'sharded.renew: the first call joins; alone, a member has every shard',
    async run(harness) {
      const log = await harness.open()
      await log.group('group').create('start')
      const member = join(log, 'one')
      const { held, surplus } = await member.renew()
      assert.deepEqual(
        held.map(({ shard }) => shard),
        [0, 1, 2, 3]
      )
      assert.deepEqual(surplus, [])
      assert.deepEqual(await member.renew(), { held, surplus }, 'a renewal keeps the epochs')
    }
  },
  {
    title: 'sharded.renew: who joins gets its share when it is given up, and nothing else moves',
    async run(harness) {
      const log = await harness.open()
      const other = await harness.open()
      await log.group('group').create('start')
      const [one, two] = [join(log, 'one'), join(other, 'two')]
      const before = (await one.renew()).held
      assert.deepEqual(await two.renew(), { held: [], surplus: [] })
      const { held, surplus } = await one.renew()
      assert.deepEqual(held, before)
      assert.equal(surplus.length, 2)
      await one.giveUp(surplus)
      const ofTwo = (await two.renew()).held
      assert.deepEqual(ofTwo.map(({ shard }) => shard).toSorted(), [...surplus].toSorted())
      assert.deepEqual(
        (await one.renew()).held,
        before.filter(({ shard }) => !surplus.includes(shard))
      )
      for (const { shard, epoch } of ofTwo)
        assert.ok(epoch > (before.find((tenure) => tenure.shard === shard)?.epoch ?? 0))
    }
  },
  {
    title: 'sharded.renew: a member that has not renewed for leaseMs is taken for dead, and its shards are others’',
    async run(harness) {
      const log = await harness.open()
      await log.group('group').create('start')
      const [one, two] = [join(log, 'one'), join(log, 'two')]
      await share(one, two)
      const joined = performance.now()
      await eventually('the shards of the dead', async () => (await two.renew()).held.length === SHARDS)
      assert.ok(performance.now() - joined >= LEASE_MS / 2)
      assert.deepEqual((await one.renew()).held, [], 'who comes late has nothing until somebody gives up')
    }
  },
  {
    title: 'sharded.leave: gives up every shard at once and leaves the group; idempotent',
    async run(harness) {
      const log = await harness.open()
      await log.group('group').create('start')
      const [one, two] = [join(log, 'one', 60_000), join(log, 'two', 60_000)]
      await share(one, two)
      await one.leave()
      await one.leave()
      assert.equal((await two.renew()).held.length, SHARDS)
      assert.deepEqual(
        (await log.group('group').info()).consumers.map(({ name }) => name),
        ['two']
      )
    }
  },
  {
    title: 'sharded: into other shards only when no member lives and nothing is pending; else group_conflict',
    async run(harness) {
      const log = await harness.open()
      await appendSome(log, 4)
      const group = log.group('group')
      await group.create('start')
      const one = join(log, 'one', 60_000)
      await one.renew()
      const held = await one.read({ limit: 10, waitMs: 0 })
      assert.equal(held.length, 4)
      const cut = { shards: 3, leaseMs: LEASE_MS, shardOf: shardOfPayload(3) }
      const two = group.sharded('two', cut)
      await rejectsWith(() => two.renew(), 'group_conflict')
      await one.leave()
      await rejectsWith(() => two.renew(), 'group_conflict')
      await one.renew()
      await one.acknowledge(await one.read({ limit: 10, waitMs: 0 }))
      await rejectsWith(() => two.renew(), 'group_conflict')
      await one.leave()
      assert.equal((await two.renew()).held.length, 3)
      await rejectsWith(() => one.renew(), 'group_conflict')
    }
  },
  {
    title: 'sharded: without the group, rejects with not_found; once it is there, goes on with greater epochs',
    async run(harness) {
      const log = await harness.open()
      const group = log.group('group')
      const member = join(log, 'one')
      await rejectsWith(() => member.renew(), 'not_found')
      await group.create('start')
      const [before] = (await member.renew()).held
      await group.destroy()
      await rejectsWith(() => member.renew(), 'not_found')
      await rejectsWith(() => member.read({ limit: 1, waitMs: 1_000 }), 'not_found')
      await group.create('start')
      await pause(2)
      const { held } = await member.renew()
      assert.equal(held.length, SHARDS)
      assert.ok((held[0]?.epoch ?? 0) >= (before?.epoch ?? Number.POSITIVE_INFINITY))
    }
  },
  {
    title: 'group.info: of a sharded group, its members with their shards, pending, lag and last delivered id',
    async run(harness) {
      const log = await harness.open()
      const ids = await appendSome(log, 8)
      const group = log.group('group')
      await group.create('start')
      const [one, two] = [join(log, 'one', 60_000), join(log, 'two', 60_000)]
      await share(one, two)
      const held = await one.read({ limit: 3, waitMs: 0 })
      await one.acknowledge(held.slice(0, 1))
      const info = await group.info()
      assert.equal(info.shards, SHARDS)
      assert.equal(info.lastDeliveredId, ids[7], 'all of them have been given to their shards')
      assert.deepEqual([info.pending, info.lag, info.lagMs], [7, 0, 0])
      const consumers = info.consumers.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      assert.deepEqual(
        consumers.map(({ name, pending, shards }) => [name, pending, shards.length]),
        [
          ['one', 3, 2],
          ['two', 4, 2]
        ]
      )
      await appendSome(log, 2, 8)
      assert.equal((await group.info()).lag, 2)
    }
  }
]

function join(log: EventLog, name: string, leaseMs = LEASE_MS): ShardMember {
  return log.group('group').sharded(name, { shards: SHARDS, leaseMs, shardOf: shardOfPayload(SHARDS) })
}

/** Two members have two shards each. */
export async function share(one: ShardMember, two: ShardMember): Promise<void> {
  await one.renew()
  await two.renew()
  await one.giveUp((await one.renew()).surplus)
  assert.equal((await two.renew()).held.length, SHARDS / 2)
}
