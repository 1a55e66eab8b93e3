import assert from 'node:assert/strict'
import type { Storage, Unit } from '../port.ts'
import { put } from './collections.ts'
import { assertGrowing, idsOf, payloadsOf, readAll, someEntries } from './entries.ts'
import { within } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { keyed, versionsOf } from './versions.ts'

const WAKE_MS = 2_000

import { committed } from './commit.ts'

/** The entries that units append: event ids, versions, and who is woken. */
export const commitAppendCases: readonly ConformanceCase[] = [
  {
    title: 'commit: an event id is appended once, whether by append or by a unit, of this call or another',
    async run(harness) {
      const [storage, other] = [await harness.open(), await harness.open()]
      const entries = someEntries(3)
      const [a, b, c] = entries
      assert.ok(a !== undefined && b !== undefined && c !== undefined)
      const [first] = await other.log.append([a])
      const results = await storage.commit([{ append: { entries: [a, b, b] } }, { append: { entries: [b, c] } }])
      const appended = results.flatMap((result) => (result.kind === 'committed' ? result.appended : []))
      assert.deepEqual(
        appended.map(({ duplicate }) => duplicate),
        [true, false, true, true, false]
      )
      assert.equal(appended[0]?.messageId, first?.messageId)
      assert.equal(appended[2]?.messageId, appended[1]?.messageId)
      assert.equal(appended[3]?.messageId, appended[1]?.messageId)
      for (const handle of [storage, other]) {
        const again = await handle.log.append(entries)
        assert.deepEqual(idsOf(again), idsOf(await readAll(storage)))
        assert.ok(again.every(({ duplicate }) => duplicate))
      }
    }
  },
  {
    title: 'commit: the event ids of a unit that was refused are as new as before, in the same call and later',
    async run(harness) {
      const [storage, other] = [await harness.open(), await harness.open()]
      await put(storage, 'c', 'taken', 'one')
      const [entry, later] = keyed('key', 2)
      assert.ok(entry !== undefined && later !== undefined)
      const refusing: Unit['write'] = [{ collection: 'c', id: 'taken', value: 'two', expected: 0 }]
      const results = await storage.commit([
        { append: { entries: [entry, later] }, write: refusing },
        { append: { entries: [entry] } },
        { append: { entries: [later] }, write: refusing }
      ])
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['refused', 'committed', 'refused']
      )
      assert.deepEqual(results[1]?.kind === 'committed' && versionsOf(results[1].appended), [1])
      for (const [i, handle] of [storage, other].entries()) {
        const [one, two] = await handle.log.append([entry, later])
        assert.deepEqual([one?.duplicate, two?.duplicate], [true, i > 0])
        assert.deepEqual([one?.version, two?.version], [1, 2])
      }
      assert.deepEqual((await readAll(storage)).length, 2)
    }
  },
  {
    title: 'commit: expected versions are looked at in the same step; a unit of duplicates alone is no conflict',
    async run(harness) {
      const storage = await harness.open()
      const entries = keyed('key', 2)
      const stale = [{ key: 'key', version: 0 }]
      assert.deepEqual(
        versionsOf(committed(await storage.commit([{ append: { entries, expected: stale } }])).appended),
        [1, 2]
      )
      const again = committed(await storage.commit([{ append: { entries, expected: stale } }]))
      assert.ok(again.appended.every(({ duplicate }) => duplicate))
      assert.deepEqual(versionsOf(again.appended), [1, 2])
      const expected = [{ key: 'other', version: 0 }, ...stale]
      assert.deepEqual(await storage.commit([{ append: { entries: [...entries, ...keyed('key', 1)], expected } }]), [
        { kind: 'refused', part: 'append', index: 1, reason: 'version_conflict' }
      ])
      assert.equal(await storage.log.versionOf('key'), 2)
      const next = await storage.commit([
        { append: { entries: keyed('key', 1), expected: [{ key: 'key', version: 2 }] } }
      ])
      assert.deepEqual(versionsOf(committed(next).appended), [3])
    }
  },
  {
    title: 'commit: what a unit appends wakes a tail and a group that wait',
    async run(harness) {
      const [storage, other] = [await harness.open(), await harness.open()]
      await storage.queue('group').create('start')
      const abort = new AbortController()
      const pages = storage.log.tail('start', { signal: abort.signal })[Symbol.asyncIterator]()
      const waiting = Promise.all([
        pages.next(),
        storage.queue('group').read('consumer', { limit: 10, waitMs: 10_000 })
      ] as const)
      const { appended } = committed(await other.commit([{ append: { entries: someEntries(2) } }]))
      const [page, deliveries] = await within(WAKE_MS, 'the wake-up', waiting)
      assert.equal(page.value?.entries[0]?.messageId, appended[0]?.messageId)
      assert.equal(deliveries[0]?.messageId, appended[0]?.messageId)
      abort.abort()
    }
  },
  {
    title: 'commit: many units with many entries, by several handles at once, each stand together and in order',
    async run(harness) {
      const handles = [await harness.open(), await harness.open(), await harness.open()]
      const calls = Array.from({ length: 6 }, async (_, call) => {
        const units = Array.from({ length: 100 }, (_, unit): Unit => {
          const entries = someEntries(3).map((entry, i) => ({ ...entry, payload: `${call} ${unit} ${i}` }))
          return { append: { entries }, write: [{ collection: `c${call % 2}`, id: `${call}`, value: `${unit}` }] }
        })
        return (handles[call % 3] as Storage).commit(units)
      })
      const results = (await Promise.all(calls)).flat()
      assert.ok(results.every(({ kind }) => kind === 'committed'))
      const stored = await readAll(handles[0] as Storage)
      assert.equal(stored.length, 1_800)
      assertGrowing(handles[0] as Storage, idsOf(stored))
      for (let call = 0; call < 6; call += 1) {
        const own = payloadsOf(stored).filter((payload) => payload?.startsWith(`${call} `))
        assert.deepEqual(
          own,
          Array.from({ length: 300 }, (_, i) => `${call} ${Math.floor(i / 3)} ${i % 3}`)
        )
        const [document] = await (handles[0] as Storage).collections.get(`c${call % 2}`, [`${call}`])
        assert.equal(document?.value, '99')
      }
    }
  }
]
