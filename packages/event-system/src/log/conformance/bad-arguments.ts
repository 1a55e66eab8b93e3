import assert from 'node:assert/strict'
import type { ShardingOptions } from '../port.ts'
import { handedOut } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const badArgumentCases: readonly ConformanceCase[] = [
  {
    title: 'bad arguments: a name, limit, duration or number of shards that is none is refused, and changes nothing',
    async run(harness) {
      const log = await harness.open()
      const { group, deliveries } = await handedOut(log, 2)
      const before = await group.pending({ limit: 10 })
      const member = (name: string, options: Partial<ShardingOptions>) =>
        group.sharded(name, { shards: 2, leaseMs: 1_000, shardOf: () => 0, ...options }).renew()
      const wrong: [string, () => Promise<unknown>][] = [
        ['a group without a name', async () => log.group('').create('start')],
        ['a consumer without a name', async () => group.read('', { limit: 1, waitMs: 0 })],
        ['a member without a name', async () => member('', {})],
        ...[0, -1, 1.5, Number.NaN].flatMap((limit): [string, () => Promise<unknown>][] => [
          [`a read of ${limit}`, async () => group.read('consumer', { limit, waitMs: 0 })],
          [`a claim of ${limit}`, async () => group.claim('consumer', { minIdleMs: 0, limit })],
          [`a page of ${limit} pending`, async () => group.pending({ limit })],
          [`a page of ${limit} dead letters`, async () => log.deadLetters.list({ limit })],
          [`${limit} shards`, async () => member('member', { shards: limit })]
        ]),
        ['more shards than there may be', async () => member('member', { shards: 1_025 })],
        ...[-1, Number.NaN].flatMap((ms): [string, () => Promise<unknown>][] => [
          [`a claim after ${ms} ms`, async () => group.claim('other', { minIdleMs: ms, limit: 1 })],
          [`a release for ${ms} ms`, async () => group.release('consumer', deliveries, { delayMs: ms })],
          [`a removal after ${ms} ms`, async () => group.removeConsumer('consumer', { minIdleMs: ms })],
          [`a lease of ${ms} ms`, async () => member('member', { leaseMs: ms })]
        ]),
        ['a lease of 0 ms', async () => member('member', { leaseMs: 0 })]
      ]
      for (const [what, call] of wrong) await refuses(what, call)
      const after = await group.pending({ limit: 10 })
      assert.deepEqual(
        after.map(({ idleMs: _, ...rest }) => rest),
        before.map(({ idleMs: _, ...rest }) => rest)
      )
      assert.deepEqual(await group.acknowledge('consumer', deliveries), [], 'the holds are what they were')
    }
  },
  {
    title:
      'bad arguments: a shard that there is not is refused in the read that asks for it, and what it was asked of stays',
    async run(harness) {
      const log = await harness.open()
      const { group, deliveries } = await handedOut(log, 1)
      await group.release('consumer', deliveries)
      for (const shard of [-1, 2, 0.5, Number.NaN]) {
        const member = group.sharded('member', { shards: 2, leaseMs: 60_000, shardOf: () => shard })
        await member.renew()
        await refuses(`the shard ${shard}`, () => member.read({ limit: 1, waitMs: 0 }))
      }
      const member = group.sharded('member', { shards: 2, leaseMs: 60_000, shardOf: () => 1 })
      await member.renew()
      const [delivery] = await member.read({ limit: 1, waitMs: 0 })
      assert.equal(delivery?.messageId, deliveries[0]?.messageId)
    }
  }
]

async function refuses(what: string, call: () => Promise<unknown>): Promise<void> {
  await rejectsWith(call, 'invalid_argument').catch((error: Error) => assert.fail(`${what}: ${error.message}`))
}
