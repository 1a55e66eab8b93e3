import assert from 'node:assert/strict'
import type { Collection, Document, Storage, Unit } from '../port.ts'
import { eventually, rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

const MINUTE_MS = 60_000
/** Clocks count whole milliseconds. */
const ROUNDING_MS = 2

/** The reads of collections. How documents are written: `commitCases`. */
export const collectionCases: readonly ConformanceCase[] = [
  {
    title: 'collections.get: the documents of these ids, in the same order; undefined for one that is not there',
    async run(harness) {
      const storage = await harness.open()
      const first = await put(storage, 'keys', 'a', '{"größe": "ß:1\\u0000"}')
      const second = await put(storage, 'keys', 'b', '')
      await put(storage, 'others', 'a', 'another')
      const { collections } = await harness.open()
      const [a, b] = [
        { id: 'a', value: '{"größe": "ß:1\\u0000"}', revision: first },
        { id: 'b', value: '', revision: second }
      ]
      assert.deepEqual(await collections.get('keys', ['b', 'none', 'a', 'b']), [b, undefined, a, b])
      assert.deepEqual(await collections.get('keys', []), [])
      assert.deepEqual(await collections.get('nothing', ['a']), [undefined])
      assert.equal((await collections.get('others', ['a']))[0]?.value, 'another')
    }
  },
  {
    title: 'collections.revision: grows with each change of the collection, and with no other; 0 before the first',
    async run(harness) {
      const storage = await harness.open()
      const { collections } = await harness.open()
      const seen = [await collections.revision('keys')]
      const look = async () => seen.push(await collections.revision('keys'))
      await put(storage, 'keys', 'a', 'one')
      await look()
      await put(storage, 'keys', 'a', 'one')
      await look()
      await put(storage, 'keys', 'a', null)
      await look()
      assert.equal(seen[0], 0)
      for (const [i, revision] of seen.entries()) assert.ok(i === 0 || revision > (seen[i - 1] ?? 0), `${seen}`)
      for (const revision of seen) assert.ok(Number.isSafeInteger(revision))
      await put(storage, 'keys', 'a', null)
      await put(storage, 'others', 'a', 'one')
      const [refused] = await storage.commit([{ write: [{ collection: 'keys', id: 'a', value: 'one', expected: 77 }] }])
      assert.equal(refused?.kind, 'refused')
      assert.equal(await collections.revision('keys'), seen.at(-1))
    }
  },
  {
    title: 'collections.revision: follows the clock, and so is greater than before where the log lost what it knew',
    async run(harness) {
      const storage = await harness.open()
      const before = Date.now()
      const revision = await put(storage, 'keys', 'a', 'one')
      assert.ok(revision >= (before - ROUNDING_MS) * 1_000, `${revision} was to be at least ${before} ms in us`)
    }
  },
  {
    title: 'collections.list: pages cover a collection once, in the order of the UTF-8 bytes of the ids',
    async run(harness) {
      const storage = await harness.open()
      const ids = ['B', 'a', 'a!', 'aa', 'ab', 'z', 'ß', '\ud7ff', '\ue000', '\uffff', '💱', '💱x']
      await putAll(
        storage,
        'keys',
        ids.toSorted((a, b) => a.length - b.length || (a < b ? 1 : -1))
      )
      await putAll(storage, 'others', ['c'])
      const { collections } = await harness.open()
      const all = await collections.list('keys', { limit: 100 })
      assert.deepEqual(idsOfDocuments(all), ids)
      for (const { id, value } of all) assert.equal(value, `value of ${id}`)
      assert.deepEqual(await collections.get('keys', ids), all)
      for (const limit of [1, 5, 12]) {
        const paged: Document[] = []
        for (;;) {
          const after = paged.at(-1)?.id
          const page = await collections.list('keys', { limit, ...(after !== undefined && { after }) })
          paged.push(...page)
          if (page.length < limit) break
        }
        assert.deepEqual(paged, all)
      }
      assert.deepEqual(await collections.list('nothing', { limit: 10 }), [])
    }
  },
  {
    title: 'collections.list and count: only ids that begin with the prefix, whatever characters it has',
    async run(harness) {
      const storage = await harness.open()
      const ids = [
        'a',
        'a%',
        'a%b',
        'a*',
        'a[b',
        'a_',
        'ab',
        'b',
        '\ud7ff1',
        '\ud7ff2',
        '\ue000',
        '\u{10ffff}',
        '\u{10ffff}x'
      ]
      await putAll(storage, 'keys', ids)
      const { collections } = storage
      for (const prefix of [
        '',
        'a',
        'a%',
        'a*',
        'a[',
        'a_',
        'A',
        'ab',
        'abc',
        'b',
        '\ud7ff',
        '\u{10ffff}',
        '\u{10ffff}\u{10ffff}'
      ]) {
        const wanted = ids.filter((id) => id.startsWith(prefix))
        assert.deepEqual(idsOfDocuments(await collections.list('keys', { prefix, limit: 100 })), wanted, `'${prefix}'`)
        assert.equal(await collections.count('keys', prefix), wanted.length, `'${prefix}'`)
      }
      assert.equal(await collections.count('keys'), ids.length)
      assert.equal(await collections.count('nothing'), 0)
    }
  },
  {
    title: 'collections.list: behind the id after, whether or not there is one, and beginning with the prefix',
    async run(harness) {
      const storage = await harness.open()
      await putAll(storage, 'keys', ['a1', 'b1', 'b2', 'b3', 'c1'])
      const { collections } = storage
      const listed = async (prefix: string, after: string, limit = 10) =>
        idsOfDocuments(await collections.list('keys', { prefix, after, limit }))
      assert.deepEqual(await listed('b', 'b1'), ['b2', 'b3'])
      assert.deepEqual(await listed('b', 'b1', 1), ['b2'])
      assert.deepEqual(await listed('b', 'b11'), ['b2', 'b3'])
      assert.deepEqual(await listed('b', 'a'), ['b1', 'b2', 'b3'])
      assert.deepEqual(await listed('b', 'b~\uffff'), [])
      assert.deepEqual(await listed('', 'b~\uffff'), ['c1'])
      assert.deepEqual(await listed('b', 'c'), [])
      await put(storage, 'keys', 'b2', null)
      assert.deepEqual(await listed('b', 'b1'), ['b3'])
      assert.equal(await collections.count('keys', 'b'), 2)
    }
  },
  {
    title:
      'collections: a document of an expiring collection is kept for keepMs after its last write, at most twice as long',
    async run(harness) {
      const storage = await harness.open()
      const keepMs = 200
      const collection = { name: 'steps', keepMs }
      await put(storage, collection, 'again', 'first')
      const startedAt = performance.now()
      await put(storage, collection, 'once', 'value')
      await put(storage, collection, 'again', 'second')
      const writtenAt = performance.now()
      const isGone = async (id: string) => {
        const askedAt = performance.now()
        const [found] = await storage.collections.get(collection, [id])
        if (found === undefined) return true
        assert.ok(askedAt - writtenAt <= 2 * keepMs + ROUNDING_MS, `'${id}' was to be gone after ${2 * keepMs} ms`)
        assert.deepEqual(found, { id, value: id === 'once' ? 'value' : 'second', revision: 0 })
        return false
      }
      for (const id of ['once', 'again']) {
        await eventually(`the end of '${id}'`, () => isGone(id))
        const kept = performance.now() - startedAt
        assert.ok(kept >= keepMs - ROUNDING_MS, `'${id}' was gone after ${kept} ms`)
      }
      const [written] = await storage.commit([{ write: [{ collection, id: 'once', value: 'new', expected: 0 }] }])
      assert.deepEqual(written, { kind: 'committed', appended: [], revisions: [0] })
      assert.equal((await storage.collections.get(collection, ['once']))[0]?.value, 'new')
    }
  },
  {
    title: 'collections: a document of an expiring collection is removed as any other',
    async run(harness) {
      const storage = await harness.open()
      const collection = { name: 'steps', keepMs: MINUTE_MS }
      await put(storage, collection, 'a', 'one')
      assert.deepEqual(await storage.collections.get(collection, ['a', 'b']), [
        { id: 'a', value: 'one', revision: 0 },
        undefined
      ])
      assert.equal(await put(storage, collection, 'a', null), 0)
      assert.deepEqual(await storage.collections.get(collection, ['a']), [undefined])
    }
  },
  {
    title:
      'collections.erase: writes over the revision it expects, and says what may remain; otherwise undefined, nothing changed',
    async run(harness) {
      const storage = await harness.open()
      const { collections } = storage
      const first = await put(storage, 'keys', 'a', 'one')
      assert.equal(await collections.erase('keys', 'a', 'two', first + 1), undefined)
      assert.equal(await collections.erase('keys', 'b', 'two', first), undefined)
      assert.deepEqual(await collections.list('keys', { limit: 10 }), [{ id: 'a', value: 'one', revision: first }])
      const erased = await collections.erase('keys', 'a', 'two', first)
      assert.ok(erased !== undefined && erased.revision > first)
      assert.ok(erased.remains === null || erased.remains.endsWith('.'))
      assert.deepEqual(await collections.list('keys', { limit: 10 }), [
        { id: 'a', value: 'two', revision: erased.revision }
      ])
      assert.equal(await collections.revision('keys'), erased.revision)
    }
  },
  {
    title: 'collections: are no entries of the log, and outlive the handle that wrote them',
    needs: ({ features: { persistent } }) => persistent,
    async run(harness) {
      const storage = await harness.open()
      const revision = await put(storage, 'keys', 'a', 'one')
      assert.equal((await storage.log.info()).length, 0)
      await storage.close()
      const { collections } = await harness.open()
      assert.deepEqual(await collections.get('keys', ['a']), [{ id: 'a', value: 'one', revision }])
      assert.equal(await collections.revision('keys'), revision)
    }
  },
  {
    title: 'collections: names and ids may be any text, and each is told from every other',
    async run(harness) {
      const storage = await harness.open()
      const names = ['a', 'A', 'a ', 'a:ids', 'a:0', 'a:1', 'ä', '__proto__', '💱'.repeat(250), 'n'.repeat(500)]
      const ids = [
        ...names,
        '0',
        '-',
        '~',
        'two words',
        'line\nbreak',
        'nul\u0000',
        'nul',
        '💱'.repeat(500),
        'i'.repeat(1_000)
      ]
      for (const name of names) await putAll(storage, name, ids, ` in ${name}`)
      for (const [i, name] of names.entries()) {
        await put(storage, { name: `e ${name}`.slice(0, 500), keepMs: MINUTE_MS }, 'a', `${i}`)
      }
      for (const [i, name] of names.entries()) {
        const values = (await storage.collections.get(name, ids)).map((document) => document?.value)
        assert.deepEqual(
          values,
          ids.map((id) => `value of ${id} in ${name}`)
        )
        assert.equal(await storage.collections.count(name), ids.length)
        const [expiring] = await storage.collections.get({ name: `e ${name}`.slice(0, 500), keepMs: MINUTE_MS }, ['a'])
        assert.equal(expiring?.value, `${i}`)
      }
    }
  },
  {
    title: 'collections: a name, an id, a limit or a time to keep that is none is refused',
    async run(harness) {
      const { collections } = await harness.open()
      for (const name of ['', 'n'.repeat(501), 'half \ud83c']) {
        await rejectsWith(() => collections.revision(name), 'invalid_argument')
        await rejectsWith(() => collections.get(name, ['a']), 'invalid_argument')
        await rejectsWith(() => collections.get({ name, keepMs: 1 }, ['a']), 'invalid_argument')
        await rejectsWith(() => collections.list(name, { limit: 1 }), 'invalid_argument')
        await rejectsWith(() => collections.count(name), 'invalid_argument')
        await rejectsWith(() => collections.erase(name, 'a', 'value', 1), 'invalid_argument')
      }
      for (const id of ['', 'i'.repeat(1_001), 'half \ud83c']) {
        await rejectsWith(() => collections.get('keys', ['a', id]), 'invalid_argument')
        await rejectsWith(() => collections.list('keys', { after: id, limit: 1 }), 'invalid_argument')
        await rejectsWith(() => collections.erase('keys', id, 'value', 1), 'invalid_argument')
        if (id === '') continue
        await rejectsWith(() => collections.list('keys', { prefix: id, limit: 1 }), 'invalid_argument')
        await rejectsWith(() => collections.count('keys', id), 'invalid_argument')
      }
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        await rejectsWith(() => collections.list('keys', { limit }), 'invalid_argument')
      }
      for (const keepMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        await rejectsWith(() => collections.get({ name: 'steps', keepMs }, ['a']), 'invalid_argument')
      }
      for (const revision of [0, -1, 1.5, Number.NaN]) {
        await rejectsWith(() => collections.erase('keys', 'a', 'value', revision), 'invalid_argument')
      }
      await rejectsWith(() => collections.erase('keys', 'a', 'x'.repeat(16_777_217), 1), 'invalid_argument')
      assert.equal(await collections.revision('keys'), 0)
    }
  }
]

/** Writes one document, and resolves to its revision. */
export async function put(storage: Storage, collection: Collection, id: string, value: string | null): Promise<number> {
  const [result] = await storage.commit([{ write: [{ collection, id, value }] }])
  assert.equal(result?.kind, 'committed')
  return result?.kind === 'committed' ? (result.revisions[0] ?? Number.NaN) : Number.NaN
}

/** Writes a document of each id, a unit each. */
async function putAll(storage: Storage, collection: string, ids: readonly string[], end = ''): Promise<void> {
  const units = ids.map((id): Unit => ({ write: [{ collection, id, value: `value of ${id}${end}` }] }))
  for (const result of await storage.commit(units)) assert.equal(result.kind, 'committed')
}

function idsOfDocuments(documents: readonly Document[]): string[] {
  return documents.map(({ id }) => id)
}
