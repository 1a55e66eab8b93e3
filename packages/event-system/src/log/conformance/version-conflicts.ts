import assert from 'node:assert/strict'
import type { AppendEntry, AppendResult, Storage } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { idsOf, readAll, someEntries } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { keyed, versionsIn, versionsOf } from './versions.ts'

/** What an append may expect of the versions of stream keys. */
export const versionConflictCases: readonly ConformanceCase[] = [
  {
    title: 'expected versions: an append takes place while the key has the version, and is refused when it has another',
    async run(harness) {
      const storage = await harness.open()
      const expecting = (version: number) => ({ expected: [{ key: 'account-7', version }] })
      assert.deepEqual(versionsOf(await storage.log.append(keyed('account-7', 2), expecting(0))), [1, 2])
      for (const version of [0, 1, 3, Number.MAX_SAFE_INTEGER]) {
        const error = await rejectsWith(
          () => storage.log.append(keyed('account-7', 3), expecting(version)),
          'version_conflict'
        )
        const { streamKey, expectedVersion, actualVersion, retryable } = error
        assert.deepEqual([streamKey, expectedVersion, actualVersion, retryable], ['account-7', version, 2, false])
        assert.match(error.message, /account-7/)
      }
      assert.equal((await readAll(storage)).length, 2)
      assert.deepEqual(versionsOf(await storage.log.append(keyed('account-7', 1), expecting(2))), [3])
      assert.equal(await storage.log.versionOf('account-7'), 3)
    }
  },
  {
    title:
      'expected versions: of several keys all must hold, also of keys that no entry has, or nothing is appended and counted',
    async run(harness) {
      const storage = await harness.open()
      await storage.log.append([...keyed('a', 1), ...keyed('b', 2)])
      const entries = () => [...keyed('a', 1), ...keyed('b', 1), ...someEntries(1)]
      const expecting = (a: number, b: number, c: number) => ({
        expected: [
          { key: 'a', version: a },
          { key: 'b', version: b },
          { key: 'c', version: c }
        ]
      })
      for (const [key, options] of [
        ['a', expecting(0, 2, 0)],
        ['b', expecting(1, 1, 0)],
        ['c', expecting(1, 2, 1)]
      ] as const) {
        const error = await rejectsWith(() => storage.log.append(entries(), options), 'version_conflict')
        assert.equal(error.streamKey, key)
        assert.deepEqual(await versionsIn(storage, 'a', 'b', 'c'), [1, 2, 0])
        assert.equal((await readAll(storage)).length, 3)
      }
      await storage.log.append(entries(), expecting(1, 2, 0))
      assert.deepEqual(await versionsIn(storage, 'a', 'b', 'c'), [2, 3, 0])
      assert.equal((await readAll(storage)).length, 6)
    }
  },
  {
    title: 'expected versions: of many that expect the same at once, by several handles, one appends',
    async run(harness) {
      const logs = [await harness.open(), await harness.open(), await harness.open()]
      const [storage] = logs as [Storage]
      for (let version = 0; version < 20; version += 2) {
        const calls = Array.from({ length: 30 }, (_, i) =>
          (logs[i % 3] as Storage).log.append(keyed('key', 2), { expected: [{ key: 'key', version }] }).catch(codeOf)
        )
        const outcomes = await Promise.all(calls)
        assert.equal(outcomes.filter(Array.isArray).length, 1)
        assert.equal(outcomes.filter((outcome) => outcome === 'version_conflict').length, 29)
        assert.equal(await storage.log.versionOf('key'), version + 2)
      }
      assert.equal((await readAll(storage)).length, 20)
    }
  },
  {
    title: 'expected versions: of several processes that expect the same, one appends',
    async run(harness) {
      const storage = await harness.open()
      await using left = await OtherProcess.start(harness)
      await using right = await OtherProcess.start(harness)
      for (let version = 0; version < 30; version += 1) {
        const expected = [{ key: 'key', version }]
        const outcomes = await Promise.all([
          left.run('appendExpecting', { entries: keyed('key', 1), expected }),
          right.run('appendExpecting', { entries: keyed('key', 1), expected }),
          storage.log.append(keyed('key', 1), { expected }).catch(codeOf)
        ])
        assert.equal(outcomes.filter(Array.isArray).length, 1, JSON.stringify(outcomes))
        assert.equal(outcomes.filter((outcome) => outcome === 'version_conflict').length, 2)
      }
      assert.equal((await readAll(storage)).length, 30)
      assert.equal(await storage.log.versionOf('key'), 30)
    }
  },
  {
    title: 'expected versions: an append that is repeated is no conflict but its duplicate, though others came since',
    async run(harness) {
      const storage = await harness.open()
      const entries = [...keyed('key', 2_500), ...keyed('other', 1)]
      const expected = [
        { key: 'key', version: 0 },
        { key: 'other', version: 0 }
      ]
      const first = await storage.log.append(entries, { expected })
      const duplicates = first.map((result) => ({ ...result, duplicate: true }))
      assert.deepEqual(await storage.log.append(entries, { expected }), duplicates)
      await storage.log.append([...keyed('key', 1), ...keyed('other', 1)])
      assert.deepEqual(await (await harness.open()).log.append(entries, { expected }), duplicates)
      assert.deepEqual(await versionsIn(storage, 'key', 'other'), [2_501, 2])
      await rejectsWith(() => storage.log.append([...entries, ...keyed('key', 1)], { expected }), 'version_conflict')
      assert.equal((await readAll(storage)).length, 2_503)
    }
  },
  {
    title: 'expected versions: an append in which something is new must find what it expects, and appends what is new',
    async run(harness) {
      const storage = await harness.open()
      const [a, b] = keyed('key', 2) as [AppendEntry, AppendEntry]
      const [first] = await storage.log.append([a], { expected: [{ key: 'key', version: 0 }] })
      await rejectsWith(
        () => storage.log.append([a, b], { expected: [{ key: 'key', version: 0 }] }),
        'version_conflict'
      )
      assert.equal(await storage.log.versionOf('key'), 1)
      const results = await storage.log.append([a, b], { expected: [{ key: 'key', version: 1 }] })
      assert.deepEqual(results[0], { ...(first as AppendResult), duplicate: true })
      assert.equal(results[1]?.version, 2)
      assert.deepEqual(idsOf(await readAll(storage)), idsOf(results))
    }
  },
  {
    title:
      'expected versions: one who is refused, reads again and repeats what it would do misses nothing of the others',
    async run(harness) {
      const logs = [await harness.open(), await harness.open(), await harness.open()]
      const addTen = async (storage: Storage) => {
        for (let added = 0; added < 10; ) {
          const version = await storage.log.versionOf('key')
          const outcome = await storage.log
            .append(keyed('key', 1), { expected: [{ key: 'key', version }] })
            .catch(codeOf)
          if (outcome === 'version_conflict') continue
          assert.deepEqual(versionsOf(outcome as AppendResult[]), [version + 1])
          added += 1
        }
      }
      await Promise.all(logs.map(addTen))
      assert.deepEqual(await versionsIn(logs[0] as Storage, 'key'), [30])
      assert.equal((await readAll(logs[0] as Storage)).length, 30)
    }
  }
]

function codeOf(error: { readonly code?: string }): string {
  return error.code ?? String(error)
}
