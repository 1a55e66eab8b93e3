import assert from 'node:assert/strict'
import { handedOut } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const badArgumentCases: readonly ConformanceCase[] = [
  {
    title: 'bad arguments: a name, limit or duration that is none is refused, and changes nothing',
    async run(harness) {
      const storage = await harness.open()
      const { group, deliveries } = await handedOut(storage, 2)
      const before = await group.pending({ limit: 10 })
      const wrong: [string, () => Promise<unknown>][] = [
        ['a group without a name', async () => storage.queue('').create('start')],
        ['a consumer without a name', async () => group.read('', { limit: 1, waitMs: 0 })],
        ...[0, -1, 1.5, Number.NaN].flatMap((limit): [string, () => Promise<unknown>][] => [
          [`a read of ${limit}`, async () => group.read('consumer', { limit, waitMs: 0 })],
          [`a claim of ${limit}`, async () => group.claim('consumer', { minIdleMs: 0, limit })],
          [`a page of ${limit} pending`, async () => group.pending({ limit })]
        ]),
        ...[-1, Number.NaN].flatMap((ms): [string, () => Promise<unknown>][] => [
          [`a claim after ${ms} ms`, async () => group.claim('other', { minIdleMs: ms, limit: 1 })],
          [`a release for ${ms} ms`, async () => group.release('consumer', deliveries, { delayMs: ms })],
          [`a removal after ${ms} ms`, async () => group.removeConsumer('consumer', { minIdleMs: ms })]
        ])
      ]
      for (const [what, call] of wrong) {
        await rejectsWith(call, 'invalid_argument').catch((error: Error) => assert.fail(`${what}: ${error.message}`))
      }
      const after = await group.pending({ limit: 10 })
      assert.deepEqual(
        after.map(({ idleMs: _, ...rest }) => rest),
        before.map(({ idleMs: _, ...rest }) => rest)
      )
      assert.deepEqual(await group.acknowledge('consumer', deliveries), [], 'the holds are what they were')
    }
  }
]
