import assert from 'node:assert/strict'
import type { AppendEntry, AppendResult, Storage } from '../port.ts'
import { appendSome, payloadsOf, readAll, someEntries } from './entries.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

/** How entries are counted by stream key. What an append may expect of that: `versionConflictCases`. */
export const versionCases: readonly ConformanceCase[] = [
  {
    title: 'versions: of a key that never was is 0; each entry that names the key counts it up, and has its number',
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      assert.equal(await storage.log.versionOf('account-7'), 0)
      assert.deepEqual(versionsOf(await storage.log.append(keyed('account-7', 3))), [1, 2, 3])
      assert.deepEqual(versionsOf(await other.log.append(keyed('account-7', 1))), [4])
      const mixed = [...keyed('order-17', 1), ...someEntries(1), ...keyed('account-7', 1), ...keyed('order-17', 1)]
      const results = await storage.log.append(mixed)
      assert.deepEqual(versionsOf(results), [1, undefined, 5, 2])
      assert.ok(!('version' in (results[1] as AppendResult)), 'an entry without a key has no version')
      assert.deepEqual(await versionsIn(other, 'account-7', 'order-17', 'order-18'), [5, 2, 0])
      assert.equal((await readAll(storage)).length, 8)
    }
  },
  {
    title: 'versions: appends at the same time, by several handles, count each entry once',
    async run(harness) {
      const logs = [await harness.open(), await harness.open(), await harness.open()]
      const calls = Array.from({ length: 60 }, (_, i) => (logs[i % 3] as Storage).log.append(keyed('key', 1 + (i % 2))))
      const versions = (await Promise.all(calls)).flatMap(versionsOf).map(Number)
      versions.sort((a, b) => a - b)
      assert.deepEqual(
        versions,
        Array.from({ length: 90 }, (_, i) => i + 1)
      )
      assert.deepEqual(await versionsIn(logs[0] as Storage, 'key'), [90])
    }
  },
  {
    title: 'versions: a duplicate counts nothing, and has the version that it was given; in the same call too',
    async run(harness) {
      const storage = await harness.open()
      const [a, b, c] = keyed('key', 3) as [AppendEntry, AppendEntry, AppendEntry]
      assert.deepEqual(versionsOf(await storage.log.append([a, b, a])), [1, 2, 1])
      await storage.log.append(keyed('key', 5))
      const again = await (await harness.open()).log.append([b, c, a])
      assert.deepEqual(
        again.map(({ duplicate }) => duplicate),
        [true, false, true]
      )
      assert.deepEqual(versionsOf(again), [2, 8, 1])
      assert.equal(await storage.log.versionOf('key'), 8)
      assert.equal((await readAll(storage)).length, 8)
    }
  },
  {
    title:
      'versions: an entry that is repeated with a key that it did not have, or without one, is its duplicate as it is',
    async run(harness) {
      const storage = await harness.open()
      const [plain, other] = someEntries(2) as [AppendEntry, AppendEntry]
      const withKey = (entry: AppendEntry) => ({ ...entry, streamKey: 'key' })
      const [first] = await storage.log.append([plain])
      assert.deepEqual(await storage.log.append([withKey(plain)]), [{ messageId: first?.messageId, duplicate: true }])
      assert.equal(await storage.log.versionOf('key'), 0)
      const [second] = await storage.log.append([withKey(other)])
      for (const again of [
        await storage.log.append([other]),
        (await storage.log.append([...someEntries(1), other])).slice(1)
      ]) {
        assert.deepEqual(again, [{ messageId: second?.messageId, duplicate: true }])
      }
      assert.equal(await storage.log.versionOf('key'), 1)
    }
  },
  {
    title: 'versions: stay when entries are trimmed and removed, and when the log is opened anew',
    needs: ({ features: { persistent } }) => persistent,
    async run(harness) {
      const storage = await harness.open()
      const [first] = await storage.log.append(keyed('key', 4))
      await storage.log.remove([first?.messageId ?? ''])
      await storage.log.trim({ maxLength: 1 })
      assert.equal(await storage.log.versionOf('key'), 4)
      await storage.log.trim({ maxLength: 0 })
      await storage.close()
      const after = await harness.open()
      assert.equal(await after.log.versionOf('key'), 4)
      await rejectsWith(
        () => after.log.append(keyed('key', 1), { expected: [{ key: 'key', version: 0 }] }),
        'version_conflict'
      )
      const [next] = await after.log.append(keyed('key', 1), { expected: [{ key: 'key', version: 4 }] })
      assert.equal(next?.version, 5)
    }
  },
  {
    title: 'versions: after the deduplication window a repeated event id is a new entry, and counts',
    async run(harness) {
      const storage = await harness.open({ deduplicationWindowMs: 300 })
      const entries = keyed('key', 1)
      await storage.log.append(entries)
      const again = await eventually('an append after the window', async () => {
        const [result] = await storage.log.append(entries)
        return result?.duplicate === false && result
      })
      assert.equal(again.version, 2)
      const [third] = await storage.log.append(entries)
      assert.deepEqual(third, { messageId: again.messageId, duplicate: true, version: 2 })
    }
  },
  {
    title: 'versions: count without a deduplication window too',
    async run(harness) {
      const storage = await harness.open({ deduplicationWindowMs: 0 })
      const entries = keyed('key', 2)
      await storage.log.append(entries)
      assert.deepEqual(versionsOf(await storage.log.append(entries)), [3, 4])
      await rejectsWith(
        () => storage.log.append(entries, { expected: [{ key: 'key', version: 0 }] }),
        'version_conflict'
      )
      assert.equal(await storage.log.versionOf('key'), 4)
    }
  },
  {
    title: 'versions: a key may be any text of 1 to 200 characters, and is told from every other',
    async run(harness) {
      const storage = await harness.open()
      const keys = [
        'a',
        'A',
        'a ',
        'ä',
        'a\u0308',
        'a:b{c}',
        '0',
        '-1',
        '*',
        '__proto__',
        '🏦'.repeat(200),
        'k'.repeat(200)
      ]
      const entries = keys.flatMap((key, i) => keyed(key, i + 1))
      await storage.log.append(entries)
      assert.deepEqual(
        await versionsIn(storage, ...keys),
        keys.map((_, i) => i + 1)
      )
    }
  },
  {
    title: 'versions: what is no key or no version is refused with invalid_argument, and changes nothing',
    async run(harness) {
      const storage = await harness.open()
      await appendSome(storage, 1)
      await storage.log.append(keyed('key', 1))
      const badKeys = ['', 'k'.repeat(201), 'a\u0000', 'a\nb', '\u007f', '\u0085', 'half \ud83c', 7, null] as string[]
      const badVersions = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null] as number[]
      const one = { key: 'key', version: 1 }
      const wrong: (() => Promise<unknown>)[] = [
        ...badKeys.flatMap((key) => [
          () => storage.log.versionOf(key),
          () => storage.log.append([...someEntries(1), ...keyed('key', 1), ...keyed(key, 1)]),
          () => storage.log.append(keyed('key', 1), { expected: [one, { key, version: 0 }] })
        ]),
        ...badVersions.map(
          (version) => () => storage.log.append(keyed('key', 1), { expected: [{ key: 'key', version }] })
        ),
        () => storage.log.append(keyed('key', 1), { expected: [one, one] }),
        () => storage.log.append([], { expected: [{ key: '', version: 0 }] })
      ]
      for (const call of wrong) await rejectsWith(call, 'invalid_argument')
      assert.equal(await storage.log.versionOf('key'), 1)
      assert.deepEqual(payloadsOf(await readAll(storage)), ['entry 0', 'entry 0'])
    }
  }
]

export function keyed(streamKey: string, count: number): AppendEntry[] {
  return someEntries(count).map((entry) => ({ ...entry, streamKey }))
}

export function versionsOf(results: readonly AppendResult[]): (number | undefined)[] {
  return results.map(({ version }) => version)
}

export function versionsIn(storage: Storage, ...keys: readonly string[]): Promise<number[]> {
  return Promise.all(keys.map((key) => storage.log.versionOf(key)))
}
