import assert from 'node:assert/strict'
import type { Committed, Unit, UnitResult } from '../port.ts'
import { put } from './collections.ts'
import { cursorOf } from './cursors.ts'
import { appendedPositions, appendSome, behind, idsOf, payloadsOf, readAll, someEntries } from './entries.ts'
import { rejectsWith } from './expect.ts'
import type { ConformanceCase } from './harness.ts'
import { keyed, versionsOf } from './versions.ts'

/** Units, and the parts of them that write. What a unit may expect of leases and of others: `commitConditionCases`. */
export const commitCases: readonly ConformanceCase[] = [
  {
    title: 'commit: all parts of a unit happen; the result has what was appended and the revision of each write',
    async run(harness) {
      const storage = await harness.open()
      const [source = ''] = await appendSome(storage, 1)
      const position = await behind(storage, source)
      await storage.cursors.create('follower', 'start')
      const entries = someEntries(2, 1)
      const unit: Unit = {
        cursors: [{ name: 'follower', to: position }],
        append: { entries },
        write: [
          { collection: 'counts', id: 'größe 💱', value: '1' },
          { collection: { name: 'steps', keepMs: 60_000 }, id: 'a', value: 'done' },
          { collection: 'counts', id: 'b', value: '2' }
        ]
      }
      const { appended, revisions } = committed(await storage.commit([unit]))
      const other = await harness.open()
      const stored = await readAll(other)
      assert.deepEqual(payloadsOf(stored), ['entry 0', 'entry 1', 'entry 2'])
      assert.deepEqual(
        appended,
        idsOf(stored)
          .slice(1)
          .map((messageId) => ({ messageId, duplicate: false }))
      )
      assert.equal((await cursorOf(other, 'follower')).position, position)
      assert.equal(revisions.length, 3)
      const [first = 0, expiring, second = 0] = revisions
      assert.equal(expiring, 0)
      assert.ok(first > 0 && second > first, `${revisions}`)
      assert.deepEqual(await other.collections.get('counts', ['größe 💱', 'b']), [
        { id: 'größe 💱', value: '1', revision: first },
        { id: 'b', value: '2', revision: second }
      ])
      assert.equal(await other.collections.revision('counts'), second)
      const [step] = await other.collections.get({ name: 'steps', keepMs: 60_000 }, ['a'])
      assert.equal(step?.value, 'done')
    }
  },
  {
    title: 'commit: units happen in order, each sees what the units before it did; none and an empty one are committed',
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = ''] = await appendedPositions(storage, 2)
      await storage.cursors.create('follower', { after: first })
      const [entry, other] = keyed('key', 2)
      assert.ok(entry !== undefined && other !== undefined)
      const results = await storage.commit([
        { append: { entries: [entry], expected: [{ key: 'key', version: 0 }] } },
        { append: { entries: [other, entry], expected: [{ key: 'key', version: 1 }] } },
        { cursors: [{ name: 'follower', to: second, expected: first }] },
        { cursors: [{ name: 'follower', to: first, expected: second }] },
        { write: [{ collection: 'c', id: 'a', value: 'one', expected: 0 }] },
        { write: [{ collection: 'c', id: 'a', value: 'two', expected: 0 }] },
        { write: [{ collection: 'c', id: 'a', value: null }] },
        { write: [{ collection: 'c', id: 'a', value: 'three', expected: 0 }] },
        {}
      ])
      assert.deepEqual(
        results.map(({ kind }) => kind),
        [
          'committed',
          'committed',
          'committed',
          'committed',
          'committed',
          'refused',
          'committed',
          'committed',
          'committed'
        ]
      )
      const appended = results.flatMap((result) => (result.kind === 'committed' ? result.appended : []))
      assert.deepEqual(versionsOf(appended), [1, 2, 1])
      assert.deepEqual(
        appended.map(({ duplicate }) => duplicate),
        [false, false, true]
      )
      assert.deepEqual(
        idsOf(appended).slice(0, 2),
        idsOf((await storage.log.read({ limit: 10, from: { after: second } })).entries)
      )
      assert.equal(appended[2]?.messageId, appended[0]?.messageId)
      assert.equal((await cursorOf(storage, 'follower')).position, first)
      const [document] = await storage.collections.get('c', ['a'])
      assert.equal(document?.value, 'three')
      const revisions = results.flatMap((result) => (result.kind === 'committed' ? result.revisions : []))
      assert.ok(
        revisions.every((revision, i) => i === 0 || revision > (revisions[i - 1] ?? 0)),
        `${revisions}`
      )
      assert.equal(document?.revision, revisions.at(-1))
      assert.deepEqual(results.at(-1), { kind: 'committed', appended: [], revisions: [] })
      assert.deepEqual(await storage.commit([]), [])
    }
  },
  {
    title: 'commit: a unit that is refused changes nothing and stops no other',
    async run(harness) {
      const storage = await harness.open()
      const [first = '', second = ''] = await appendedPositions(storage, 2)
      await storage.cursors.create('follower', { after: first })
      const taken = await put(storage, 'c', 'taken', 'one')
      const whole = (write: Unit['write'], more: Unit = {}): Unit => ({
        cursors: [{ name: 'follower', to: second }],
        append: { entries: keyed('key', 2) },
        write: [
          { collection: 'c', id: 'new', value: 'new' },
          { collection: 'c', id: 'taken', value: null },
          { collection: { name: 'steps', keepMs: 60_000 }, id: 'new', value: 'new' },
          ...(write ?? [])
        ],
        ...more
      })
      const wrong: Unit[] = [
        whole([{ collection: 'c', id: 'other', value: 'two', expected: 7 }]),
        whole([], { fence: [{ lease: 'never taken', token: 1 }] }),
        whole([], {
          cursors: [
            { name: 'follower', to: second },
            { name: 'none', to: second }
          ]
        }),
        whole([], { append: { entries: keyed('key', 1), expected: [{ key: 'key', version: 9 }] } })
      ]
      const right = (): Unit => ({ append: { entries: keyed('key', 1) } })
      const results = await storage.commit(wrong.flatMap((unit) => [unit, right()]))
      assert.deepEqual(
        results.map(({ kind }) => kind),
        wrong.flatMap(() => ['refused', 'committed'])
      )
      const appended = results.flatMap((result) => (result.kind === 'committed' ? result.appended : []))
      assert.deepEqual(versionsOf(appended), [1, 2, 3, 4])
      assert.deepEqual(idsOf((await storage.log.read({ limit: 10, from: { after: second } })).entries), idsOf(appended))
      assert.equal(await storage.log.versionOf('key'), 4)
      assert.equal((await storage.log.info()).length, 6)
      assert.equal((await cursorOf(storage, 'follower')).position, first)
      assert.deepEqual(await storage.collections.list('c', { limit: 10 }), [
        { id: 'taken', value: 'one', revision: taken }
      ])
      assert.equal(await storage.collections.revision('c'), taken)
      assert.deepEqual(await storage.collections.get({ name: 'steps', keepMs: 60_000 }, ['new']), [undefined])
    }
  },
  {
    title: 'commit: a value of 16 MiB and one of any text come back unchanged',
    async run(harness) {
      const storage = await harness.open()
      const values = { large: '💱'.repeat(4_194_304), empty: '', text: 'nul\u0000 line\r\n "quoted" \u2028 {}' }
      for (const [id, value] of Object.entries(values)) await put(storage, 'c', id, value)
      for (const [id, value] of Object.entries(values)) {
        assert.ok((await storage.collections.get('c', [id]))[0]?.value === value, id)
      }
    }
  },
  {
    title: 'commit: what is no unit is refused, and nothing of the call happens',
    async run(harness) {
      const storage = await harness.open()
      const [first = ''] = await appendedPositions(storage, 1)
      await storage.cursors.create('follower', 'start')
      const write = (more: object): Unit => ({ write: [{ collection: 'c', id: 'a', value: 'one', ...more }] })
      const move = { name: 'follower', to: first }
      const right: Unit = { append: { entries: keyed('key', 1) }, ...write({}), cursors: [move] }
      const wrong: Unit[] = [
        ...['', 'n'.repeat(501), 'half \ud83c'].map((collection) => write({ collection })),
        ...['', 'i'.repeat(1_001), 'half \ud83c'].map((id) => write({ id })),
        ...[0, 1.5, Number.NaN].map((keepMs) => write({ collection: { name: 'steps', keepMs } })),
        ...[-1, 1.5, Number.NaN].map((expected) => write({ expected })),
        write({ collection: { name: 'steps', keepMs: 1_000 }, expected: 1 }),
        write({ value: 'x'.repeat(16_777_217) }),
        write({ value: 'ß'.repeat(8_388_609) }),
        { write: [...(right.write ?? []), ...(right.write ?? [])] },
        { cursors: [move, move] },
        ...['', 'n'.repeat(501)].map((name): Unit => ({ cursors: [{ name, to: first }] })),
        ...['', 'n'.repeat(501)].map((lease): Unit => ({ fence: [{ lease, token: 1 }] })),
        ...[1.5, Number.NaN].map((token): Unit => ({ fence: [{ lease: 'a', token }] })),
        { append: { entries: keyed('', 1) } },
        { append: { entries: keyed('key', 1), expected: [{ key: 'key', version: -1 }] } }
      ]
      for (const unit of wrong) await rejectsWith(() => storage.commit([right, unit, right]), 'invalid_argument')
      for (const unit of [
        { cursors: [{ name: 'follower', to: 'nonsense' }] },
        { cursors: [{ ...move, expected: 'nonsense' }] }
      ]) {
        await rejectsWith(() => storage.commit([right, unit]), 'invalid_message_id')
      }
      await rejectsWith(() => storage.commit(Array(101).fill(right)), 'invalid_argument')
      assert.equal((await storage.log.info()).length, 1)
      assert.equal(await storage.log.versionOf('key'), 0)
      assert.equal(await storage.collections.revision('c'), 0)
      assert.equal((await cursorOf(storage, 'follower')).lag, 1)
      assert.equal((await storage.commit(Array(100).fill({}))).length, 100)
      committed(await storage.commit([right]))
    }
  }
]

/** The result of the only unit of a call, which is committed. */
export function committed(results: readonly UnitResult[]): Committed {
  const [result] = results
  assert.equal(results.length, 1)
  assert.equal(result?.kind, 'committed')
  return result as Committed
}
