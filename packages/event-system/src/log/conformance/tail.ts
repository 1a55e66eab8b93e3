import assert from 'node:assert/strict'
import type { Entry, Position, Storage } from '../port.ts'
import { appendSome, behind, idsOf, timeOf } from './entries.ts'
import { eventually, PATIENCE_MS, pause, rejectsWith, within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

/** How soon a waiting reader must have what was appended elsewhere, in ms; a test of one adapter may ask for much less. */
const WAKE_MS = 1_000

export const tailCases: readonly ConformanceCase[] = [
  {
    title: 'tail: gives what is there, then what is appended next, in this process or by another handle',
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      const ids = await appendSome(storage, 5)
      const tail = follow(storage, 'start')
      await eventually('what was there', () => tail.entries.length === 5)
      ids.push(...(await appendSome(storage, 2)))
      await eventually('what this handle appended', () => tail.entries.length === 7)
      ids.push(...(await appendSome(other, 2)))
      await eventually('what another handle appended', () => tail.entries.length === 9)
      await tail.stop()
      assert.deepEqual(idsOf(tail.entries), ids)
    }
  },
  {
    title: 'tail: wakes soon after an append by another handle',
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      const tail = follow(storage, 'start')
      for (let round = 1; round <= 5; round += 1) {
        await pause(30)
        await appendSome(other, 1)
        await within(
          WAKE_MS,
          'the wake-up of a tail',
          eventually('it', () => tail.entries.length === round)
        )
      }
      await tail.stop()
    }
  },
  {
    title: 'tail: has no gap and no repeat while others append, whatever the page',
    async run(harness) {
      const [storage, left, right] = [await harness.open(), await harness.open(), await harness.open()]
      const tails = [1, 7, 1_000].map((limit) => follow(storage, 'start', limit))
      for (let round = 0; round < 30; round += 1) await Promise.all([appendSome(left, 5), appendSome(right, 8)])
      await eventually('all entries', () => tails.every(({ entries }) => entries.length >= 390))
      await Promise.all(tails.map((tail) => tail.stop()))
      const ids = idsOf((await storage.log.read({ limit: 1_000 })).entries)
      for (const { entries, pages } of tails) assert.deepEqual({ pages, ids: idsOf(entries) }, { pages, ids })
      assert.ok(tails[1]?.pages.every((size) => size >= 1 && size <= 7))
    }
  },
  {
    title: 'tail: starts behind an id, at a time, at the end',
    async run(harness) {
      const storage = await harness.open()
      const ids = await appendSome(storage, 5)
      const later = follow(storage, { after: await behind(storage, ids[2]) })
      await eventually('the entries behind', () => later.entries.length === 2)
      assert.deepEqual(idsOf(later.entries), ids.slice(3))
      const future = follow(storage, { time: (await timeOf(storage, ids[4])) + 1 })
      const end = follow(storage, 'end')
      await eventually('the first entry behind the end', async () => {
        await appendSome(storage, 1)
        return end.entries.length > 0 && future.entries.length > 0
      })
      for (const tail of [later, future, end]) await tail.stop()
      assert.ok([...end.entries, ...future.entries].every(({ messageId }) => !ids.includes(messageId)))
    }
  },
  {
    title: 'tail: ends when the signal is aborted, at once if it is aborted already',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 1)
      const tail = follow(storage, 'start')
      await eventually('the first entry', () => tail.entries.length === 1)
      await within(WAKE_MS, 'the end of an aborted tail', tail.stop())
      const pages = []
      for await (const page of storage.log.tail('start', { signal: AbortSignal.abort() })) pages.push(page)
      assert.deepEqual(pages, [])
    }
  },
  {
    title: 'tail: ends when the log is closed',
    async run(harness) {
      const storage = await harness.open()
      const tail = follow(storage, 'start')
      await appendSome(storage, 1)
      await eventually('the first entry', () => tail.entries.length === 1)
      await storage.close()
      await within(PATIENCE_MS, 'the end of the tail of a closed log', tail.ended)
    }
  },
  {
    title: 'tail: may be left in the middle',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 3)
      for await (const { entries } of storage.log.tail('start', { limit: 1 })) {
        assert.equal(entries.length, 1)
        break
      }
      await within(PATIENCE_MS, 'the close after a tail that was left', storage.close())
    }
  },
  {
    title: 'tail: rejects what is no position',
    async run(harness) {
      const storage = await harness.open()
      await rejectsWith(
        () => storage.log.tail({ after: 'nonsense' })[Symbol.asyncIterator]().next(),
        'invalid_message_id'
      )
    }
  }
]

/** Collects what a tail gives, in the background. */
function follow(storage: Storage, from: Position, limit?: number) {
  const entries: Entry[] = []
  const pages: number[] = []
  const abort = new AbortController()
  const options = limit === undefined ? { signal: abort.signal } : { signal: abort.signal, limit }
  const tail = storage.log.tail(from, options)
  const collect = async () => {
    for await (const page of tail) {
      pages.push(page.entries.length)
      entries.push(...page.entries)
    }
  }
  const ended = collect()
  ended.catch(() => {})
  const stop = async () => {
    abort.abort()
    await ended
  }
  return { entries, pages, ended, stop }
}
