import assert from 'node:assert/strict'
import type { AppendResult, MessageId, Storage, StreamEntry } from '../port.ts'
import { OtherProcess } from './child-process.ts'
import { appendSome, idsOf, readAll, someEntries } from './entries.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { keyed } from './versions.ts'

/** The entries of a stream key in the order of their versions. How they are counted: `versionCases`. */
export const readStreamCases: readonly ConformanceCase[] = [
  {
    title: 'readStream: the entries of one key, in the order of their versions, each as it is read elsewhere',
    async run(harness) {
      const storage = await harness.open()
      const other = await harness.open()
      const mixed = [...keyed('account-7', 2), ...someEntries(1, 2), ...keyed('order-17', 1), ...keyed('account-7', 1)]
      const results = await storage.log.append(mixed.map((entry, i) => ({ ...entry, payload: `payload ${i}` })))
      const [later] = await other.log.append(keyed('account-7', 1))
      const stream = await storage.log.readStream('account-7', ALL)
      assert.deepEqual(placesOf(stream), placesIn([results[0], results[1], results[4], later]))
      for (const { version: _, ...entry } of stream) assert.deepEqual([entry], await storage.log.get([entry.messageId]))
      assert.deepEqual(placesOf(await other.log.readStream('order-17', ALL)), placesIn([results[3]]))
      assert.deepEqual(await storage.log.readStream('order-18', ALL), [])
    }
  },
  {
    title: 'readStream: pages cover a stream once, from any version; a page shorter than the limit is the last',
    async run(harness) {
      const storage = await harness.open()
      const places: Place[] = []
      for (const size of [1, 400, 3, 900, 1, 1_195]) {
        const results = await storage.log.append([...keyed('key', size), ...keyed('other', 2)])
        places.push(...placesIn(results.slice(0, size)))
      }
      assert.equal(places.length, 2_500)
      for (const limit of [7, 1_000, 1_001, 2_500, 100_000]) {
        assert.deepEqual(placesOf(await readWhole(storage, 'key', limit)), places)
      }
      for (const fromVersion of [2, 1_250, 2_500]) {
        const page = await storage.log.readStream('key', { fromVersion, limit: 3 })
        assert.deepEqual(placesOf(page), places.slice(fromVersion - 1, fromVersion + 2))
      }
    }
  },
  {
    title: 'readStream: from beyond the newest version there is nothing',
    async run(harness) {
      const storage = await harness.open()
      await storage.log.append(keyed('key', 3))
      for (const fromVersion of [4, 5, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
        assert.deepEqual(await storage.log.readStream('key', { fromVersion, limit: 10 }), [])
      }
    }
  },
  {
    title: 'readStream: entries that were trimmed and removed are left out, the others keep their versions',
    async run(harness) {
      const storage = await harness.open()
      const places = placesIn(await storage.log.append(keyed('key', 300)))
      const gone = [5, 6, 7, 150, 299].map((index) => places[index]?.messageId as MessageId)
      await storage.log.remove(gone)
      const left = places.filter(({ messageId }) => !gone.includes(messageId))
      assert.deepEqual(placesOf(await storage.log.readStream('key', ALL)), left)
      assert.deepEqual(placesOf(await readWhole(storage, 'key', 4)), left)
      await storage.log.trim({ maxLength: 100 })
      assert.deepEqual(placesOf(await readWhole(storage, 'key', 30)), left.slice(-100))
      assert.deepEqual(
        placesOf(await storage.log.readStream('key', { fromVersion: 2, limit: 2 })),
        left.slice(-100, -98)
      )
      await storage.log.trim({ maxLength: 0 })
      assert.deepEqual(await storage.log.readStream('key', ALL), [])
      const next = placesIn(await storage.log.append(keyed('key', 2)))
      assert.deepEqual(placesOf(await storage.log.readStream('key', ALL)), next)
      assert.deepEqual(
        next.map(({ version }) => version),
        [301, 302]
      )
    }
  },
  {
    title: 'readStream: a key that was trimmed again and again while it was appended to has what the log has of it',
    async run(harness) {
      const storage = await harness.open()
      const places: Place[] = []
      for (let round = 0; round < 20; round += 1) {
        places.push(...placesIn(await storage.log.append(keyed('key', 40))))
        await storage.log.append(keyed(`key of round ${round}`, 1))
        await storage.log.trim({ maxLength: 30 })
        assert.deepEqual(placesOf(await readWhole(storage, 'key', 10)), places.slice(-29))
      }
    }
  },
  {
    title: 'readStream: a duplicate and an append that expects another version add nothing',
    async run(harness) {
      const storage = await harness.open()
      const entries = keyed('key', 3)
      const places = placesIn(
        await storage.log.append([...entries, ...entries.slice(0, 1)]).then((all) => all.slice(0, 3))
      )
      await storage.log.append(entries)
      await rejectsWith(
        () => storage.log.append(keyed('key', 2), { expected: [{ key: 'key', version: 2 }] }),
        'version_conflict'
      )
      await rejectsWith(
        () => storage.log.append([...keyed('key', 1), ...keyed('new', 1)], { expected: [{ key: 'new', version: 1 }] }),
        'version_conflict'
      )
      assert.deepEqual(placesOf(await storage.log.readStream('key', ALL)), places)
      assert.deepEqual(await storage.log.readStream('new', ALL), [])
    }
  },
  {
    title: 'readStream: an entry without a key, and one that is repeated with a key, are in no stream',
    async run(harness) {
      const storage = await harness.open()
      const [plain] = someEntries(1)
      await storage.log.append(plain === undefined ? [] : [plain])
      await storage.log.append(plain === undefined ? [] : [{ ...plain, streamKey: 'key' }])
      await appendSome(storage, 1)
      assert.deepEqual(await storage.log.readStream('key', ALL), [])
    }
  },
  {
    title: 'readStream: what a unit appends is in the streams of its keys; a unit that is refused adds nothing',
    async run(harness) {
      const storage = await harness.open()
      const places = placesIn(await storage.log.append(keyed('key', 2)))
      const units = [
        { append: { entries: keyed('key', 2), expected: [{ key: 'key', version: 2 }] } },
        { append: { entries: keyed('key', 1), expected: [{ key: 'key', version: 2 }] } },
        { append: { entries: keyed('other', 1) }, write: [{ collection: 'c', id: 'a', value: 'b', expected: 1 }] },
        { append: { entries: [...keyed('other', 1), ...someEntries(1), ...keyed('key', 1)] } }
      ]
      const results = await storage.commit(units)
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['committed', 'refused', 'refused', 'committed']
      )
      const appended = results.flatMap((result) => (result.kind === 'committed' ? result.appended : []))
      places.push(...placesIn([appended[0], appended[1], appended[4]]))
      places.push(...placesIn(await storage.log.append(keyed('key', 1))))
      assert.deepEqual(placesOf(await storage.log.readStream('key', ALL)), places)
      assert.deepEqual(placesOf(await storage.log.readStream('other', ALL)), placesIn([appended[2]]))
    }
  },
  {
    title: 'readStream: a key may be any text, and is told from every other',
    async run(harness) {
      const storage = await harness.open()
      const keys = ['a', 'A', 'a ', 'ä', 'a\u0308', 'a:b{c}', '0', '*', '__proto__', '🏦'.repeat(200), 'k'.repeat(200)]
      const results = await storage.log.append(keys.flatMap((key, i) => keyed(key, i + 1)))
      let at = 0
      for (const [i, key] of keys.entries()) {
        const places = placesIn(results.slice(at, at + i + 1))
        assert.deepEqual(placesOf(await storage.log.readStream(key, ALL)), places, key)
        at += i + 1
      }
    }
  },
  {
    title: 'readStream: what another process appended is there when its append has resolved',
    async run(harness) {
      const storage = await harness.open()
      await using other = await OtherProcess.start(harness)
      const places: Place[] = []
      for (let round = 0; round < 5; round += 1) {
        const here = storage.log.append(keyed('key', 2))
        const there = other.run('append', { entries: keyed(`key`, 3) }) as Promise<AppendResult[]>
        places.push(...placesIn(await here), ...placesIn(await there))
        places.sort((a, b) => a.version - b.version)
        assert.deepEqual(placesOf(await storage.log.readStream('key', ALL)), places)
      }
      assert.deepEqual(
        places.map(({ version }) => version),
        Array.from({ length: 25 }, (_, i) => i + 1)
      )
      assert.deepEqual(
        idsOf(await readAll(storage)),
        places.map(({ messageId }) => messageId)
      )
    }
  },
  {
    title:
      'readStream: an appender that is killed leaves each entry with its version in the stream, and the stream goes on',
    async run(harness) {
      const storage = await harness.open()
      for (let round = 0; round < 3; round += 1) {
        await using other = await OtherProcess.start(harness)
        other.begin('appendBatches', { size: 50, streamKey: 'key' })
        await eventually('some batches', () => other.progress.length >= 5 + round)
        await other.kill()
        // A server may have its last append to do still.
        const { entries, stream, version } = await eventually('the log to be at rest', async () => {
          const entries = await readAll(storage)
          const [stream, version] = [await readWhole(storage, 'key', 1_000), await storage.log.versionOf('key')]
          return (await readAll(storage)).length === entries.length && { entries, stream, version }
        })
        assert.deepEqual(idsOf(stream), idsOf(entries))
        assert.deepEqual(
          stream.map(({ version }) => version),
          Array.from({ length: stream.length }, (_, i) => i + 1)
        )
        assert.equal(version, stream.length)
      }
    }
  },
  {
    title: 'readStream: a stream is there when the log is opened anew',
    needs: ({ features: { persistent } }) => persistent,
    async run(harness) {
      const storage = await harness.open()
      const places = placesIn(await storage.log.append(keyed('key', 3)))
      await storage.close()
      const after = await harness.open()
      assert.deepEqual(placesOf(await after.log.readStream('key', ALL)), places)
      places.push(...placesIn(await after.log.append(keyed('key', 1))))
      assert.deepEqual(placesOf(await after.log.readStream('key', ALL)), places)
    }
  },
  {
    title: 'readStream: what is no key, no version and no limit is refused with invalid_argument',
    async run(harness) {
      const storage = await harness.open()
      await storage.log.append(keyed('key', 1))
      for (const key of ['', 'k'.repeat(201), 'a\u0000', 'half \ud83c', 7, null] as string[]) {
        await rejectsWith(() => storage.log.readStream(key, ALL), 'invalid_argument')
      }
      for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', undefined] as number[]) {
        await rejectsWith(() => storage.log.readStream('key', { fromVersion: wrong, limit: 1 }), 'invalid_argument')
        await rejectsWith(() => storage.log.readStream('key', { fromVersion: 1, limit: wrong }), 'invalid_argument')
      }
    }
  }
]

const ALL = { fromVersion: 1, limit: 10_000 }

type Place = Pick<StreamEntry, 'messageId' | 'version'>

/** Where the log said that it put entries with a key. */
function placesIn(results: readonly (AppendResult | undefined)[]): Place[] {
  return results.map((result) => {
    assert.ok(result?.version !== undefined, 'an entry with a key has a version')
    return { messageId: result.messageId, version: result.version }
  })
}

function placesOf(stream: readonly StreamEntry[]): Place[] {
  return stream.map(({ messageId, version }) => ({ messageId, version }))
}

/** All entries of a stream, by pages of `limit`. */
async function readWhole(storage: Storage, key: string, limit: number): Promise<StreamEntry[]> {
  const all: StreamEntry[] = []
  for (;;) {
    const page = await storage.log.readStream(key, { fromVersion: (all.at(-1)?.version ?? 0) + 1, limit })
    all.push(...page)
    if (page.length < limit) return all
  }
}
