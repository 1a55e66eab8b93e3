import assert from 'node:assert/strict'
import type { Storage, Unit, UnitResult } from '../port.ts'
import { put } from './collections.ts'
import { committed } from './commit.ts'
import { cursorOf } from './cursors.ts'
import { appendedPositions, readAll, someEntries } from './entries.ts'
import { eventually } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { keyed } from './versions.ts'

const LONG_MS = 600_000

/** What units expect, and how they are refused. */
export const commitConditionCases: readonly ConformanceCase[] = [
  {
    title: 'commit: fence holds as long as the lease stands under the token, also past its time',
    async run(harness) {
      const storage = await harness.open()
      const [token = 0] = await storage.leases.acquire(['a'], { holder: 'one', ttlMs: 1 })
      const [other = 0] = await storage.leases.acquire(['größe 💱'], { holder: 'one', ttlMs: LONG_MS })
      await eventually('the end of the lease', async () => (await storage.leases.list('a')).length === 0)
      const fence = [
        { lease: 'größe 💱', token: other },
        { lease: 'a', token }
      ]
      committed(await storage.commit([{ fence }]))
      await storage.leases.acquire(['a'], { holder: 'one', ttlMs: LONG_MS })
      committed(await storage.commit([{ fence, append: { entries: someEntries(1) } }]))
      assert.equal((await readAll(storage)).length, 1)
    }
  },
  {
    title: 'commit: fence refuses once another holder took the lease, once it was released, and where it never was',
    async run(harness) {
      const storage = await harness.open()
      const [taken = 0] = await storage.leases.acquire(['taken'], { holder: 'one', ttlMs: 1 })
      const [released = 0] = await storage.leases.acquire(['released'], { holder: 'one', ttlMs: LONG_MS })
      const [held = 0] = await storage.leases.acquire(['held'], { holder: 'one', ttlMs: LONG_MS })
      const next = await eventually('the lease', async () => {
        const [token] = await storage.leases.acquire(['taken'], { holder: 'two', ttlMs: LONG_MS })
        return token
      })
      await storage.leases.release(['released'], 'one')
      const refusedAt = (index: number) => ({ kind: 'refused', part: 'fence', index, reason: 'fenced' })
      const append = { entries: someEntries(1) }
      const fences = [
        [{ lease: 'taken', token: taken }],
        [{ lease: 'released', token: released }],
        [{ lease: 'never', token: 1 }],
        [{ lease: 'held', token: held - 1 }],
        [
          { lease: 'held', token: held },
          { lease: 'taken', token: taken }
        ]
      ]
      const results = await storage.commit(fences.map((fence) => ({ fence, append })))
      assert.deepEqual(results, [0, 0, 0, 0, 1].map(refusedAt))
      assert.equal((await readAll(storage)).length, 0)
      committed(await storage.commit([{ fence: [{ lease: 'taken', token: next }], append }]))
    }
  },
  {
    title: 'commit: a cursor moves to where it is told, before or behind; with what it expects only from there',
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = '', third = ''] = await appendedPositions(storage, 3)
      await storage.cursors.create('one', { after: second })
      await storage.cursors.create('two', 'start', { guards: false })
      const conflict = (index: number) => ({ kind: 'refused', part: 'cursors', index, reason: 'conflict' })
      const at = async () => [(await cursorOf(storage, 'one')).position, (await cursorOf(storage, 'two')).position]
      const start = (await cursorOf(storage, 'two')).position
      assert.deepEqual(await storage.commit([{ cursors: [{ name: 'one', to: third, expected: first }] }]), [
        conflict(0)
      ])
      assert.deepEqual(
        await storage.commit([
          {
            cursors: [
              { name: 'two', to: third, expected: start },
              { name: 'one', to: third, expected: third }
            ]
          }
        ]),
        [conflict(1)]
      )
      assert.deepEqual(await at(), [second, start])
      committed(
        await storage.commit([
          {
            cursors: [
              { name: 'two', to: third, expected: start },
              { name: 'one', to: first, expected: second }
            ]
          }
        ])
      )
      assert.deepEqual(await at(), [first, third])
      assert.equal((await cursorOf(storage, 'two')).guards, false)
      committed(await storage.commit([{ cursors: [{ name: 'one', to: third }] }]))
      assert.deepEqual(await at(), [third, third])
    }
  },
  {
    title: 'commit: a unit that moves a cursor which does not exist is refused with not_found, and creates none',
    async run(harness) {
      const storage = await harness.open()
      const [first = ''] = await appendedPositions(storage, 1)
      const refused = { kind: 'refused', part: 'cursors', index: 0, reason: 'not_found' }
      assert.deepEqual(await storage.commit([{ cursors: [{ name: 'none', to: first }] }]), [refused])
      assert.deepEqual(await storage.commit([{ cursors: [{ name: 'none', to: first, expected: first }] }]), [refused])
      assert.equal(await storage.cursors.get('none'), undefined)
    }
  },
  {
    title: 'commit: a document is written only over the revision that is expected, 0 standing for none',
    async run(harness) {
      const storage = await harness.open()
      const write = async (id: string, value: string | null, expected: number) => {
        const [result] = await storage.commit([{ write: [{ collection: 'c', id, value, expected }] }])
        return result?.kind === 'committed' ? (result.revisions[0] ?? Number.NaN) : result
      }
      const conflict = { kind: 'refused', part: 'write', index: 0, reason: 'conflict' }
      const first = (await write('a', 'one', 0)) as number
      assert.ok(first > 0)
      assert.deepEqual(await write('a', 'two', 0), conflict)
      const second = (await write('a', 'two', first)) as number
      assert.ok(second > first)
      assert.deepEqual(await write('a', 'three', first), conflict)
      assert.deepEqual(await write('a', null, first), conflict)
      assert.deepEqual(await write('a', null, 0), conflict)
      assert.deepEqual(await write('b', 'one', second), conflict)
      assert.deepEqual(await write('b', null, second), conflict)
      assert.equal(await write('b', null, 0), second, 'nothing was there, and nothing changed')
      assert.deepEqual(await storage.collections.list('c', { limit: 10 }), [
        { id: 'a', value: 'two', revision: second }
      ])
      const third = (await write('a', null, second)) as number
      assert.ok(third > second)
      assert.equal(await storage.collections.revision('c'), third)
      assert.deepEqual(await write('a', 'three', second), conflict)
      const fourth = (await write('a', 'three', 0)) as number
      assert.ok(fourth > third)
    }
  },
  {
    title: 'commit: a document of an expiring collection is written where there is none, if that is expected',
    async run(harness) {
      const storage = await harness.open()
      const collection = { name: 'steps', keepMs: LONG_MS }
      const write = async (value: string | null, expected?: 0) => {
        const [result] = await storage.commit([
          { write: [{ collection, id: 'a', value, ...(expected !== undefined && { expected }) }] }
        ])
        return result?.kind
      }
      assert.equal(await write('one', 0), 'committed')
      assert.equal(await write('two', 0), 'refused')
      assert.equal(await write(null, 0), 'refused')
      assert.equal((await storage.collections.get(collection, ['a']))[0]?.value, 'one')
      assert.equal(await write('three'), 'committed')
      assert.equal((await storage.collections.get(collection, ['a']))[0]?.value, 'three')
      assert.equal(await write(null), 'committed')
      assert.equal(await write(null, 0), 'committed')
      assert.equal(await write('four', 0), 'committed')
    }
  },
  {
    title: 'commit: of many units that expect the same, one is committed',
    async run(harness) {
      const handles = [await harness.open(), await harness.open(), await harness.open()]
      const storage = handles[0] as Storage
      const [first = ''] = await appendedPositions(storage, 1)
      await storage.cursors.create('one', 'start')
      const { position } = await cursorOf(storage, 'one')
      const revision = await put(storage, 'c', 'a', 'one')
      const races: Unit[] = [
        { write: [{ collection: 'c', id: 'a', value: 'two', expected: revision }] },
        { write: [{ collection: 'c', id: 'b', value: 'two', expected: 0 }] },
        { write: [{ collection: { name: 'steps', keepMs: LONG_MS }, id: 'a', value: 'two', expected: 0 }] },
        { cursors: [{ name: 'one', to: first, expected: position }] }
      ]
      for (const unit of races) {
        const before = (await storage.log.info()).length
        const append = () => ({ entries: someEntries(1) })
        const calls = Array.from({ length: 20 }, (_, i) =>
          (handles[i % 3] as Storage).commit([
            { ...unit, append: append() },
            { ...unit, append: append() }
          ])
        )
        const results = (await Promise.all(calls)).flat()
        assert.equal(results.filter(({ kind }) => kind === 'committed').length, 1)
        assert.equal((await storage.log.info()).length, before + 1)
      }
      const expected = [{ key: 'key', version: 0 }]
      const calls = handles.map((handle) => handle.commit([{ append: { entries: keyed('key', 1), expected } }]))
      const results = (await Promise.all(calls)).flat()
      assert.equal(results.filter(({ kind }) => kind === 'committed').length, 1)
    }
  },
  {
    title:
      'commit: a refusal names the first condition that did not hold, part by part as a unit has them, and its place',
    async run(harness) {
      const storage = await harness.open()
      const [first = ''] = await appendedPositions(storage, 1)
      await storage.cursors.create('one', { after: first })
      const [token = 0] = await storage.leases.acquire(['a'], { holder: 'one', ttlMs: LONG_MS })
      await put(storage, 'c', 'taken', 'one')
      const wrong = {
        fence: [
          { lease: 'a', token },
          { lease: 'b', token }
        ],
        cursors: [
          { name: 'one', to: first },
          { name: 'none', to: first }
        ],
        append: {
          entries: keyed('key', 1),
          expected: [
            { key: 'other', version: 0 },
            { key: 'key', version: 2 }
          ]
        },
        write: [
          { collection: 'c', id: 'new', value: 'one', expected: 0 },
          { collection: 'c', id: 'taken', value: 'one', expected: 0 },
          { collection: 'c', id: 'taken too', value: 'one', expected: 7 }
        ]
      } satisfies Unit
      const { fence: _f, ...withoutFence } = wrong
      const { cursors: _c, ...withoutCursors } = withoutFence
      const { append: _a, ...writeAlone } = withoutCursors
      const results = await storage.commit([wrong, withoutFence, withoutCursors, writeAlone])
      assert.deepEqual(results, [
        { kind: 'refused', part: 'fence', index: 1, reason: 'fenced' },
        { kind: 'refused', part: 'cursors', index: 1, reason: 'not_found' },
        { kind: 'refused', part: 'append', index: 1, reason: 'version_conflict' },
        { kind: 'refused', part: 'write', index: 1, reason: 'conflict' }
      ] satisfies UnitResult[])
      assert.deepEqual(await storage.collections.get('c', ['new']), [undefined])
      assert.equal((await storage.log.info()).length, 1)
    }
  },
  {
    title:
      'commit: a unit that took effect and is given again is refused by its conditions, or its entries are duplicates',
    async run(harness) {
      const storage = await harness.open()
      const [first = ''] = await appendedPositions(storage, 1)
      await storage.cursors.create('one', 'start')
      const { position } = await cursorOf(storage, 'one')
      const conditional: Unit = {
        cursors: [{ name: 'one', to: first, expected: position }],
        append: { entries: someEntries(1) }
      }
      const plain: Unit = { append: { entries: keyed('key', 1), expected: [{ key: 'key', version: 0 }] } }
      const [, before] = await storage.commit([conditional, plain])
      const [refused, after] = await storage.commit([conditional, plain])
      assert.deepEqual(refused, { kind: 'refused', part: 'cursors', index: 0, reason: 'conflict' })
      assert.ok(before?.kind === 'committed' && after?.kind === 'committed')
      assert.deepEqual(after.appended, [{ ...before.appended[0], duplicate: true }])
      assert.equal((await storage.log.info()).length, 3)
    }
  }
]
