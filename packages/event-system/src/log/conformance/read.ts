import assert from 'node:assert/strict'
import { appendSome, behind, compareIn, idsOf, readAll, someEntries, timeOf } from './entries.ts'
import { eventually, pause, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { labelledEntry } from './labelled.ts'

export const readCases: readonly ConformanceCase[] = [
  {
    title: 'read: of an empty log is an empty page, either way',
    async run(harness) {
      const storage = await harness.open()
      assert.deepEqual((await storage.log.read({ limit: 10 })).entries, [])
      assert.deepEqual((await storage.log.read({ limit: 10, direction: 'backward' })).entries, [])
    }
  },
  {
    title:
      'read: forward, page behind page, gives the whole log once, whatever the limit; a page shorter than the limit is the last',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 100)
      for (const limit of [1, 7, 50, 100, 1_000]) assert.deepEqual(idsOf(await readAll(storage, limit)), ids)
    }
  },
  {
    title: 'read: backward gives the newest first, page before page',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 25)
      assert.deepEqual(
        idsOf((await storage.log.read({ limit: 10, direction: 'backward' })).entries),
        ids.slice(15).reverse()
      )
      const to = { checkpoint: await behind(storage, ids[15]) }
      assert.deepEqual(
        idsOf((await storage.log.read({ to, limit: 10, direction: 'backward' })).entries),
        ids.slice(6, 16).reverse()
      )
      const from = { after: await behind(storage, ids[2]) }
      assert.deepEqual(
        idsOf((await storage.log.read({ from, to, limit: 100, direction: 'backward' })).entries),
        ids.slice(3, 16).reverse()
      )
    }
  },
  {
    title: 'read: from is exclusive after an id, to is inclusive up to an id; what is empty is empty',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 10)
      const range = async (from: number, to: number) =>
        (
          await storage.log.read({
            from: { after: await behind(storage, ids[from]) },
            to: { checkpoint: await behind(storage, ids[to]) },
            limit: 100
          })
        ).entries
      assert.deepEqual(idsOf(await range(2, 5)), ids.slice(3, 6))
      assert.deepEqual(await range(5, 5), [])
      assert.deepEqual(await range(7, 3), [])
      assert.deepEqual(
        idsOf(
          (await storage.log.read({ from: 'start', to: { checkpoint: await behind(storage, ids[0]) }, limit: 100 }))
            .entries
        ),
        [ids[0]]
      )
      assert.deepEqual((await storage.log.read({ from: 'end', limit: 100 })).entries, [])
    }
  },
  {
    title: 'read: a time range includes the entries of its first and of its last millisecond, and no others',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendAtDifferentTimes(3, async () => appendSome(storage, 5))
      const [early = [], middle = [], late = []] = ids
      const start = await timeOf(storage, middle[0])
      const end = await timeOf(storage, middle.at(-1))
      assert.deepEqual(
        idsOf((await storage.log.read({ from: { time: start }, to: { time: end }, limit: 100 })).entries),
        middle
      )
      assert.deepEqual(idsOf((await storage.log.read({ from: { time: end + 1 }, limit: 100 })).entries), late)
      assert.deepEqual(idsOf((await storage.log.read({ to: { time: start - 1 }, limit: 100 })).entries), early)
      assert.deepEqual(
        idsOf(
          (await storage.log.read({ from: { time: start }, to: { time: end }, limit: 100, direction: 'backward' }))
            .entries
        ),
        middle.toReversed()
      )
      assert.equal(
        (await storage.log.read({ from: { time: 0 }, to: { time: Date.now() + 60_000 }, limit: 100 })).entries.length,
        15
      )
      assert.deepEqual((await storage.log.read({ from: { time: Date.now() + 60_000 }, limit: 100 })).entries, [])
    }
  },
  {
    title: 'read: goes on behind an id that is no longer there',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 10)
      const after = await behind(storage, ids[1])
      await storage.log.trim({ maxLength: 5 })
      assert.deepEqual(idsOf((await storage.log.read({ from: { after }, limit: 100 })).entries), ids.slice(5))
    }
  },
  {
    title: 'read: narrows by event type from an index, either way, page by page',
    needs: ({ features: { index } }) => index,
    async run(harness) {
      const storage = await harness.open()
      const entries = someEntries(90).map(({ eventType }) => labelledEntry({ eventType }))
      const ids = idsOf(await storage.log.append(entries))
      const expected = (types: string[]) => ids.filter((_, index) => types.includes(entries[index]?.eventType ?? ''))
      for (const eventTypes of [['trading_signal'], ['order_executed', 'market_data_update'], ['no_such_type'], []]) {
        assert.deepEqual(idsOf((await storage.log.read({ eventTypes, limit: 1_000 })).entries), expected(eventTypes))
        const backward = (await storage.log.read({ eventTypes, limit: 7, direction: 'backward' })).entries
        assert.deepEqual(idsOf(backward), expected(eventTypes).reverse().slice(0, 7))
      }
      const next = (
        await storage.log.read({
          eventTypes: ['trading_signal'],
          from: { after: await behind(storage, ids[31]) },
          limit: 2
        })
      ).entries
      assert.deepEqual(idsOf(next), [ids[34], ids[37]])
    }
  },
  {
    title: 'read: leaves out no entry of the event types where the log has no index of them',
    needs: ({ features: { index } }) => !index,
    async run(harness) {
      const storage = await harness.open()
      const entries = someEntries(9)
      const ids = idsOf(await storage.log.append(entries))
      const wanted = ids.filter((_, index) => entries[index]?.eventType === 'trading_signal')
      const found = idsOf((await storage.log.read({ eventTypes: ['trading_signal'], limit: 100 })).entries)
      assert.deepEqual(
        found.filter((id) => wanted.includes(id)),
        wanted
      )
      assert.deepEqual(
        ids.filter((id) => found.includes(id)),
        found
      )
    }
  },
  {
    title: 'read: takes a limit of 1 or more',
    async run(harness) {
      const storage = await harness.open()
      for (const limit of [0, -1, 1.5, Number.NaN])
        await rejectsWith(() => storage.log.read({ limit }), 'invalid_argument')
    }
  },
  {
    title: 'get: the entries of several ids, in the order of the ids, and undefined for one that is not there',
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = ''] = await appendSome(storage, 2)
      const [before, entry] = (await storage.log.read({ limit: 2 })).entries
      assert.deepEqual(await storage.log.get([second, first]), [entry, before])
      assert.deepEqual(await storage.log.get([]), [])
      await storage.log.trim({ maxLength: 1 })
      assert.deepEqual(await storage.log.get([second, first, second]), [entry, undefined, entry])
    }
  },
  {
    title: 'compare: is negative, 0 or positive as a stands before, at or behind b',
    needs: ({ features: { totalOrder } }) => totalOrder,
    async run(harness) {
      const storage = await harness.open()
      const [a = '', b = ''] = await appendSome(storage, 2)
      assert.ok(compareIn(storage, a, b) < 0)
      assert.equal(storage.log.compare(a, a), 0)
      assert.ok(compareIn(storage, b, a) > 0)
      assert.ok(compareIn(storage, '999-9', '1000-0') < 0, 'by number, not by letter')
      assert.ok(compareIn(storage, '1000-10', '1000-9') > 0, 'by number, not by letter')
    }
  },
  {
    title: 'compare, get, read: reject what is no message id with invalid_message_id',
    async run(harness) {
      const storage = await harness.open()
      for (const wrong of ['', 'x', '1', '-', '1-', '-1', '1-x', '1-2-3', ' 1-0', '1-0 ', '1.5-0', '-1-0']) {
        await rejectsWith(() => storage.log.compare(wrong, '1-0'), 'invalid_message_id')
        await rejectsWith(() => storage.log.compare('1-0', wrong), 'invalid_message_id')
        await rejectsWith(() => storage.log.get(['1-0', wrong]), 'invalid_message_id')
        await rejectsWith(() => storage.log.read({ from: { after: wrong }, limit: 1 }), 'invalid_message_id')
      }
    }
  }
]

/** Calls `append` so many times, each in a later millisecond than the last. */
async function appendAtDifferentTimes<Result>(times: number, append: () => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let time = 0; time < times; time += 1) {
    if (time > 0) await pause(3)
    const before = Date.now()
    await eventually('the next millisecond', () => Date.now() > before)
    results.push(await append())
  }
  return results
}
