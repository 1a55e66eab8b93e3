import assert from 'node:assert/strict'
import type { AppendResult, Delivery, MessageId, Page, Storage } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { appendSome, idsOf, readAll, someEntries } from './entries.ts'
import { eventually, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const WAKE_MS = 2_000
const BATCH = 50

export const processCases: readonly ConformanceCase[] = [
  {
    title: 'processes: two that race with the same event ids append each once and get the same message ids',
    async run(harness) {
      const storage = await harness.open()
      await using left = await OtherProcess.start(harness)
      await using right = await OtherProcess.start(harness)
      for (let round = 0; round < 5; round += 1) {
        const entries = someEntries(200)
        const calls = [left.run('append', { entries }), right.run('append', { entries }), storage.log.append(entries)]
        const results = (await Promise.all(calls)) as AppendResult[][]
        for (const result of results) assert.deepEqual(idsOf(result), idsOf(results[0] ?? []))
        assert.equal(results.flat().filter(({ duplicate }) => !duplicate).length, 200)
        assert.equal((await storage.log.info()).length, 200 * (round + 1))
      }
    }
  },
  {
    title: 'processes: a tail and a read that wait wake soon after an append by another process',
    async run(harness) {
      const storage = await harness.open()
      await storage.queue('group').create('start')
      await using other = await OtherProcess.start(harness)
      const abort = new AbortController()
      const pages = storage.log.tail('start', { signal: abort.signal })[Symbol.asyncIterator]()
      for (let round = 0; round < 3; round += 1) {
        const waiting = Promise.all([
          pages.next(),
          storage.queue('group').read('consumer', { limit: 10, waitMs: 10_000 })
        ] as const)
        const [appended] = (await other.run('append', { entries: someEntries(1) })) as AppendResult[]
        const [page, deliveries] = await within(WAKE_MS, 'the wake-up', waiting)
        assert.deepEqual(idsOf((page.value as Page).entries), [appended?.messageId])
        assert.deepEqual(idsOf(deliveries), [appended?.messageId])
      }
      abort.abort()
    }
  },
  {
    title: 'processes: an append here wakes a tail in another process soon',
    async run(harness) {
      const storage = await harness.open()
      await using other = await OtherProcess.start(harness)
      const answer = other.run('awaitNext', {})
      await eventually('the other to wait', () => other.progress.length > 0)
      const ids = await appendSome(storage, 1)
      const { page } = (await within(WAKE_MS, 'the wake-up', answer)) as { page: Page }
      assert.deepEqual(idsOf(page.entries), ids)
    }
  },
  {
    title:
      'processes: an appender that is killed in the middle of a stream of batches leaves whole batches only, and the log works on',
    async run(harness) {
      const storage = await harness.open()
      for (let round = 0; round < 3; round += 1) {
        const known = (await readAll(storage)).length
        await using other = await OtherProcess.start(harness)
        other.begin('appendBatches', { size: BATCH })
        await eventually('some batches', () => other.progress.length >= 5 + round)
        await other.kill()
        const confirmed = other.progress.length
        const stored = (await readAll(storage)).slice(known).map(({ payload }) => payload)
        const batches = stored.length / BATCH
        assert.ok(Number.isInteger(batches), `${stored.length} entries are no whole number of batches of ${BATCH}`)
        assert.ok(batches >= confirmed, 'each batch that was confirmed is there')
        assert.deepEqual(
          stored,
          Array.from({ length: stored.length }, (_, index) => `${Math.floor(index / BATCH)} ${index % BATCH}`)
        )
        const [messageId = ''] = await appendSome(storage, 1)
        assert.equal((await storage.log.read({ direction: 'backward', limit: 1 })).entries[0]?.messageId, messageId)
      }
    }
  },
  {
    title: 'processes: what a consumer that was killed held stays pending and is claimed by another',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 10)
      const group = storage.queue('group')
      await group.create('start')
      await using other = await OtherProcess.start(harness)
      const options = { group: 'group', consumer: 'victim', limit: 4, waitMs: 0 }
      const held = (await other.run('readGroup', options)) as Delivery[]
      await other.kill()
      assert.equal(held.length, 4)
      const heldIds = idsOf(held)
      const others = ids.filter((messageId) => !heldIds.includes(messageId))
      assert.deepEqual(idsOf(await group.read('heir', { limit: 10, waitMs: 0 })), others)
      const claimed: MessageId[] = []
      await eventually('the claim', async () => {
        const deliveries = await group.claim('heir', { minIdleMs: 0, limit: 100 })
        claimed.push(...deliveries.filter(({ attempt }) => attempt === 2).map(({ messageId }) => messageId))
        return heldIds.every((messageId) => claimed.includes(messageId))
      })
    }
  },
  {
    title: 'processes: a consumer that is killed while it waits takes nothing with it',
    async run(harness) {
      const storage = await harness.open()
      const group = storage.queue('group')
      await group.create('start')
      await using other = await OtherProcess.start(harness)
      other.begin('readGroup', { group: 'group', consumer: 'victim', limit: 10, waitMs: 60_000 })
      await eventually('the other to read', async () => (await group.info()).consumers.length === 1)
      await other.kill()
      const ids = await appendSome(storage, 3)
      const taken = await eventually('the entries', async () => {
        const deliveries = [
          ...(await group.read('heir', { limit: 10, waitMs: 0 })),
          ...(await group.claim('heir', { minIdleMs: 0, limit: 10 }))
        ]
        return deliveries.length >= 3 && deliveries
      })
      assert.deepEqual(new Set(idsOf(taken)), new Set(ids))
    }
  },
  {
    title:
      'processes: a process that is killed in the middle of a stream of commits leaves each unit whole or absent, and another goes on',
    async run(harness) {
      const storage = await harness.open()
      await appendSources(storage, 0)
      await storage.cursors.create('follower', 'start')
      for (let round = 0; round < 3; round += 1) {
        await using other = await OtherProcess.start(harness)
        other.begin('followInUnits', { name: 'follower' })
        await eventually('some commits', () => other.progress.length >= 5 + round)
        await other.kill()
        const stored = await readAll(storage)
        const { position = '' } = (await storage.cursors.get('follower')) ?? {}
        const done = stored.filter(({ payload }) => payload?.startsWith('of ')).map(({ payload }) => payload)
        const passed = stored.filter(
          ({ messageId, payload }) =>
            payload?.startsWith('source') && Number(storage.log.compare(messageId, position)) <= 0
        )
        const [count] = await storage.collections.get('follower', ['count'])
        assert.deepEqual(
          done,
          passed.map(({ payload }) => `of ${payload}`)
        )
        assert.equal(Number(count?.value), done.length)
        assert.ok(done.length >= Number(other.progress.at(-1)), 'each call that was confirmed is there')
        await appendSources(storage, round + 1)
      }
    }
  }
]

/** More than the process that follows them has done when it is killed. */
async function appendSources(storage: Storage, round: number): Promise<void> {
  const entries = someEntries(5_000).map((entry, i) => ({ ...entry, payload: `source ${round} ${i}` }))
  await storage.log.append(entries)
}
