import assert from 'node:assert/strict'
import type { Records } from '../port.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'

export const recordCases: readonly ConformanceCase[] = [
  {
    title: 'records.put, get and list: a document over what has its id, each collection its own',
    async run(harness) {
      const log = await harness.open()
      const { records } = log
      assert.equal(await records.get('keys', 'a'), undefined)
      assert.deepEqual(await records.list('keys'), { revision: 0, records: [] })
      await records.put('keys', 'b', '{"größe": "ß:1"}')
      await records.put('keys', 'a', 'first')
      const revision = await records.put('keys', 'a', '')
      await records.put('others', 'a', 'another')
      const { records: theirs } = await harness.open()
      const all = await theirs.list('keys')
      const values = Object.fromEntries(all.records.map(({ id, value }) => [id, value]))
      assert.deepEqual(values, { a: '', b: '{"größe": "ß:1"}' })
      assert.equal(all.records.length, 2)
      assert.equal(all.revision, revision)
      assert.deepEqual(await theirs.get('keys', 'a'), { id: 'a', value: '', revision })
      assert.deepEqual(
        await theirs.get('keys', 'b'),
        all.records.find(({ id }) => id === 'b')
      )
      assert.equal((await theirs.get('others', 'a'))?.value, 'another')
    }
  },
  {
    title: 'records.revision: grows with each change of the collection, and with no other; 0 before the first',
    async run(harness) {
      const { records } = await harness.open()
      const { records: theirs } = await harness.open()
      const seen = [await theirs.revision('keys')]
      const look = async () => seen.push(await theirs.revision('keys'))
      await records.put('keys', 'a', 'one')
      await look()
      await records.put('keys', 'a', 'one')
      await look()
      await records.remove('keys', 'a')
      await look()
      assert.equal(seen[0], 0)
      for (const [i, revision] of seen.entries()) assert.ok(i === 0 || revision > (seen[i - 1] ?? 0), `${seen}`)
      await records.remove('keys', 'a')
      await records.put('keys', 'a', 'one', 77)
      await records.put('others', 'a', 'one')
      assert.equal(await theirs.revision('keys'), seen.at(-1))
      assert.deepEqual(await theirs.list('keys'), { revision: seen.at(-1), records: [] })
    }
  },
  {
    title:
      'records.put: with what it expects, only over that, 0 standing for none; otherwise undefined, nothing changed',
    async run(harness) {
      const { records } = await harness.open()
      const first = await records.put('keys', 'a', 'one', 0)
      assert.ok(first !== undefined)
      assert.equal(await records.put('keys', 'a', 'two', 0), undefined)
      const second = await records.put('keys', 'a', 'two', first)
      assert.ok(second !== undefined && second > first)
      assert.equal(await records.put('keys', 'a', 'three', first), undefined)
      assert.equal((await records.get('keys', 'a'))?.value, 'two')
      await records.remove('keys', 'a')
      assert.equal(await records.put('keys', 'a', 'three', second), undefined)
      assert.ok((await records.put('keys', 'a', 'three', 0)) !== undefined)
    }
  },
  {
    title: 'records.put: of many who expect the same, one writes',
    async run(harness) {
      const handles = [(await harness.open()).records, (await harness.open()).records] as const
      const put = (i: number) => (handles[i % 2] as Records).put('keys', 'a', `${i}`, 0)
      const revisions = await Promise.all(Array.from({ length: 20 }, (_, i) => put(i)))
      const winners = revisions.flatMap((revision, i) => (revision === undefined ? [] : [i]))
      assert.equal(winners.length, 1)
      assert.equal((await handles[0].get('keys', 'a'))?.value, `${winners[0]}`)
    }
  },
  {
    title: 'records.erase: writes over what it expects and says what may remain; otherwise undefined, nothing changed',
    async run(harness) {
      const { records } = await harness.open()
      const first = await records.put('keys', 'a', 'one')
      assert.equal(await records.erase('keys', 'a', 'two', (first ?? 0) + 1), undefined)
      assert.equal(await records.erase('keys', 'b', 'two', first ?? 0), undefined)
      assert.equal((await records.get('keys', 'a'))?.value, 'one')
      const erased = await records.erase('keys', 'a', 'two', first ?? 0)
      assert.ok(erased !== undefined && (erased.remains === null || erased.remains.endsWith('.')))
      assert.deepEqual(await records.list('keys'), {
        revision: erased.revision,
        records: [{ id: 'a', value: 'two', revision: erased.revision }]
      })
    }
  },
  {
    title: 'records.remove: resolves to whether there was one',
    async run(harness) {
      const { records } = await harness.open()
      await records.put('keys', 'a', 'one')
      assert.equal(await records.remove('keys', 'b'), false)
      assert.equal(await records.remove('keys', 'a'), true)
      assert.equal(await records.remove('keys', 'a'), false)
      assert.equal(await records.get('keys', 'a'), undefined)
    }
  },
  {
    title: 'records: a name that is empty or longer than 200 characters is refused',
    async run(harness) {
      const { records } = await harness.open()
      for (const name of ['', 'n'.repeat(201)]) {
        await rejectsWith(async () => records.revision(name), 'invalid_argument')
        await rejectsWith(async () => records.list(name), 'invalid_argument')
        await rejectsWith(async () => records.get('keys', name), 'invalid_argument')
        await rejectsWith(async () => records.put('keys', name, 'value'), 'invalid_argument')
        await rejectsWith(async () => records.put(name, 'a', 'value'), 'invalid_argument')
        await rejectsWith(async () => records.remove('keys', name), 'invalid_argument')
      }
      assert.deepEqual(await records.list('keys'), { revision: 0, records: [] })
    }
  },
  {
    title: 'records: are no entries of the log, and outlive the handle that wrote them',
    needs: ({ persistent }) => persistent,
    async run(harness) {
      const log = await harness.open()
      await log.records.put('keys', 'a', 'one')
      assert.equal((await log.info()).length, 0)
      await log.close()
      assert.equal((await (await harness.open()).records.get('keys', 'a'))?.value, 'one')
    }
  }
]
